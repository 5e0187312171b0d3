import { expect, it } from 'vitest';
import type { Child } from '../../../functions/website/children/kinds.ts';
import type { Operation } from '../../../functions/website/plan/plan.ts';
import { differingText } from '../../../functions/website/status/differing.ts';
import { aWebsite, SPEC } from '../../fixtures/websites.ts';
import { desiredChild } from '../../fixtures/children.ts';

const desired = (kind: Child['kind']) => desiredChild(kind, aWebsite(), SPEC);
const deployment = desired('Deployment') as Child;
const replace = (...changed: string[]): Operation => ({ verb: 'replace', child: deployment, changed, between: [] });

it.each<[string, Operation[], string]>([
  ['no write', [], ''],
  [
    'two children',
    [replace('spec.a'), { verb: 'create', child: desired('Service') }],
    'Deployment differs from the spec (spec.a). Service is missing',
  ],
  ['five fields', [replace('a', 'b', 'c', 'd', 'e')], 'Deployment differs from the spec (a, b, c, d, e)'],
  [
    'seven fields',
    [replace('a', 'b', 'c', 'd', 'e', 'f', 'g')],
    'Deployment differs from the spec (a, b, c, d, e, and 2 more)',
  ],
  [
    'a child that is taken over to be deleted',
    [replace('a'), { verb: 'delete', child: deployment }],
    'Deployment is no longer wanted',
  ],
  [
    'a child that is deleted to be created',
    [
      { verb: 'delete', child: deployment },
      { verb: 'create', child: desired('Deployment') },
    ],
    'Deployment has to be recreated',
  ],
])('The text about %s names each child once', (_, writes, text) => {
  expect(differingText(writes)).toBe(text);
});
