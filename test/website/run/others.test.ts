// When the children other than the Deployment keep the generation of an older spec: P2, P3.
import { beforeEach, expect, it } from 'vitest';
import type { Child } from '../../../functions/website/children/kinds.ts';
import { CHILD_METADATA, GENERATION, OTHERS } from '../../../functions/website/children/metadata.ts';
import { actionOf } from '../../../functions/website/plan/plan.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { decide } from '../../../functions/website/run/decide.ts';
import { SCOPES, readChildren } from '../../../functions/website/run/scope.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SITE = { ...SPEC, host: 'a.example.com' };
const withImage = (image: string) => ({ ...SITE, image });

let cluster: MemoryCluster;
const run = () => reconcile(key, { cluster, now: () => NOW });
const website = () => cluster.websites()[0] as Website;
const childOf = (kind: string) => cluster.children().find((child) => child.kind === kind) as Child;
const annotate = (kind: string, name: string, value: string) =>
  cluster.edit(childOf(kind), {
    metadata: {
      ...childOf(kind).metadata,
      annotations: { ...childOf(kind).metadata.annotations, [name]: value },
    },
  });

/** What a run that reads everything would write. */
async function planned(): Promise<string[]> {
  const children = await readChildren(key, cluster, SCOPES.everything);
  const { plan } = decide(website(), children, { scope: SCOPES.everything });
  return plan.steps.flat().map(actionOf);
}

/** A site in its second generation, with the Ingress of its first. */
beforeEach(async () => {
  cluster = new MemoryCluster();
  for (const image of ['nginx:1', 'nginx:2']) {
    cluster.apply(key, withImage(image));
    await run();
    cluster.rollOut();
    await run();
  }
});

it('A settled site differs in nothing', async () => {
  expect(childOf('Ingress').metadata.annotations).toMatchObject({ [GENERATION]: '1' });
  expect(childOf('Deployment').metadata.annotations).toMatchObject({
    [GENERATION]: '2',
    [OTHERS]: expect.stringMatching(/^2\.[0-9a-f]{16}$/) as string,
  });
  expect(await planned()).toEqual([]);
});

it('The next image concerns the Deployment alone', async () => {
  cluster.apply(key, withImage('nginx:3'));
  expect(await planned()).toEqual(['replace Deployment']);
});

const setReason = (reason: string) => {
  const { status } = website();
  const conditions = (status?.conditions ?? []).map((each) => ({ ...each, reason }));
  cluster.edit(website(), { status: { ...status, conditions } });
};

it.each<[string, () => unknown]>([
  ['the last status does not vouch for it', () => setReason('PolicyDenied')],
  [
    'the last status is about another generation',
    () => cluster.edit(website(), { status: { ...website().status, observedGeneration: 1 } }),
  ],
  ['the status is gone', () => cluster.edit<Website>(website(), { status: {} })],
  ['the Deployment was written for another generation', () => annotate('Deployment', GENERATION, '1')],
  [
    'the Deployment belongs to another Website',
    () => {
      const { metadata } = childOf('Deployment');
      const [owner] = metadata.ownerReferences ?? [];
      cluster.edit(childOf('Deployment'), {
        metadata: { ...metadata, ownerReferences: owner ? [{ ...owner, uid: 'other' }] : [] },
      });
    },
  ],
  ['it carries a generation that does not exist yet', () => annotate('Ingress', GENERATION, '9')],
  ['it carries no number', () => annotate('Ingress', GENERATION, 'x')],
])('The Ingress is written again if %s', async (_, happens) => {
  happens();
  expect(await planned()).toContain('replace Ingress');
});

it.each<[string, () => unknown]>([
  ['another host', () => cluster.apply(key, { ...SITE, host: 'b.example.com' })],
  ['another label', () => cluster.apply(key, { ...SITE, childMetadata: { labels: { team: 'web' } } })],
  [
    'another image, after one that no run has seen',
    () => ['nginx:3', 'nginx:4'].map((image) => cluster.apply(key, withImage(image))),
  ],
  [
    'another image, and the Deployment has no record',
    () => (annotate('Deployment', OTHERS, ''), cluster.apply(key, withImage('nginx:3'))),
  ],
  [
    'another image, and the record is of an older generation',
    () => {
      const record = childOf('Deployment').metadata.annotations?.[OTHERS] ?? '';
      annotate('Deployment', OTHERS, record.replace(/^2/, '1'));
      cluster.apply(key, withImage('nginx:3'));
    },
  ],
])('The Ingress is written again if the spec gets %s', async (_, happens) => {
  happens();
  expect(await planned()).toContain('replace Ingress');
});

it('A record alone is no reason for a write, so an upgrade writes nothing', async () => {
  annotate('Deployment', OTHERS, '2.0000000000000000');
  expect(await planned()).toEqual([]);
});

it('A site whose others are the same for every spec has no record', async () => {
  cluster.apply(key, SPEC);
  await run();
  expect(childOf('Ingress')).toBeUndefined();
  expect(childOf('Deployment').metadata.annotations).not.toHaveProperty([OTHERS]);
  cluster.apply(key, { ...SPEC, childMetadata: { labels: { team: 'web' } } });
  await run();
  expect(childOf('Service').metadata.annotations).toHaveProperty([CHILD_METADATA]);
  expect(childOf('Deployment').metadata.annotations).toHaveProperty([OTHERS]);
});
