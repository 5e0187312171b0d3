import { expect, it } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { ApiRequest, Transport } from '../../functions/cluster/transport.ts';
import { KINDS } from '../../functions/website/children/kinds.ts';
import { explain } from '../../infra/cli/explain.ts';
import { aWebsite, NOW } from '../fixtures/websites.ts';

it('website explain reads each child once, and works without the rights to list Pods and Events', async () => {
  const asked: string[] = [];
  const refuse = async ({ method, path }: ApiRequest): Promise<never> => {
    const [address = ''] = path.split('?');
    asked.push(`${method} ${address.split('/').slice(-2).join('/')}`);
    throw new ClusterError(/\/(pods|events)$/.test(address) ? 'Forbidden' : 'NotFound', address);
  };
  const transport: Transport = { server: '', json: refuse, sized: refuse, stream: refuse, close: async () => {} };
  const { plan, children } = await explain(aWebsite(), {
    cluster: kubernetes(transport),
    transport,
    now: NOW,
    defaults: {},
  });
  expect(children).toEqual([]);
  expect(plan?.changes.map(({ verb, kind }) => `${verb} ${kind}`)).toContain('create Deployment');
  const ofChildren = asked.filter((each) => KINDS.some(({ plural }) => each.startsWith(`GET ${plural}/`)));
  expect(ofChildren.toSorted()).toEqual([...new Set(ofChildren)].toSorted());
  expect(ofChildren).toHaveLength(KINDS.length);
});
