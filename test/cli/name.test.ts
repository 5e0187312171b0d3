// How the commands read the name of a Website, also in the spelling of kubectl.
import { describe, expect, it } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { ApiRequest, Transport } from '../../functions/cluster/transport.ts';
import { keyFrom, type ClusterCommand, type CommonFlags } from '../../infra/cli/command.ts';
import { explainCommand } from '../../infra/cli/explain/command.ts';
import { historyCommand } from '../../infra/cli/history/history.ts';
import { planCommand } from '../../infra/cli/plan/command.ts';
import { reconcileCommand } from '../../infra/cli/reconcile-command.ts';
import { resumeCommand, suspendCommand } from '../../infra/cli/suspend.ts';
import { UsageError } from '../../infra/usage.ts';
import { NOW } from '../fixtures/websites.ts';

const here = { namespace: 'team-a' };
const shop = { namespace: 'team-a', name: 'shop' };

it.each([
  'shop',
  'website.stable.example.com/shop',
  'websites.stable.example.com/shop',
  'websites.v1.stable.example.com/shop',
  'website.v1.stable.example.com/shop',
  'Website/shop',
])('The name %s is that of the Website shop in the current namespace', (name) => {
  expect(keyFrom(name, here)).toEqual(shop);
});

it.each(['website', 'websites', 'web', 'team-b'])(
  'In %s/shop, the first part is a namespace, because one may have that name',
  (namespace) => {
    expect(keyFrom(`${namespace}/shop`, here)).toEqual({ namespace, name: 'shop' });
  },
);

it.each([
  'websites.stable.example.com/team-a/shop',
  'websites.stable.example.com/',
  'websites.v2.stable.example.com/shop',
  'websites.stable.example.org/shop',
  'deployments.apps/shop',
  'Deployment/shop',
  'a/b/c',
])('%s is not the name of a Website', (name) => {
  expect(() => keyFrom(name, here)).toThrow(UsageError);
});

describe.each<[string, ClusterCommand<object>]>([
  ['plan', planCommand],
  ['explain', explainCommand],
  ['history', historyCommand],
  ['reconcile', reconcileCommand],
  ['suspend', suspendCommand],
  ['resume', resumeCommand],
])('website %s of a Website that does not exist', (_, command) => {
  const errorOf = async (name: string, code: 'NotFound' | 'Forbidden' = 'NotFound', namespace = 'team-a') => {
    const refuse = async ({ what }: ApiRequest): Promise<never> => {
      throw new ClusterError(code, `Could not ${what}`);
    };
    const transport: Transport = { server: '', json: refuse, sized: refuse, stream: refuse, close: async () => {} };
    const connection = { transport, cluster: kubernetes(transport), namespace };
    const silent = { note: () => {}, print: () => {}, interrupted: () => new AbortController().signal };
    const flags: CommonFlags = { output: 'table' };
    const asked = command.ask({ ...connection, ...silent, now: () => NOW }, flags, [name]);
    return asked.then(
      () => 'none',
      (error: Error) => error.message,
    );
  };

  it.each(['website', 'websites', 'web'])('says how to write %s/shop', async (type) => {
    expect(await errorOf(`${type}/shop`)).toBe(
      `There is no Website shop in namespace ${type}. For the Website shop in namespace team-a, give the name alone: shop`,
    );
  });

  it.each([
    ['shop', 'team-a'],
    ['team-b/shop', 'team-b'],
    ['website.stable.example.com/shop', 'team-a'],
  ])('says where %s was looked for', async (name, namespace) => {
    expect(await errorOf(name)).toBe(`There is no Website shop in namespace ${namespace}`);
  });

  it('gives no hint to the namespace that it works in', async () => {
    expect(await errorOf('web/shop', 'NotFound', 'web')).toBe('There is no Website shop in namespace web');
  });

  it('says so only if the API server does', async () => {
    expect(await errorOf('web/shop', 'Forbidden')).toMatch(/^Could not (get|patch) /);
  });
});
