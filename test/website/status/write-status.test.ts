import { beforeEach, expect, it } from 'vitest';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Condition, Website, WebsiteStatus } from '../../../functions/website/resource.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
type Ready = (change: Partial<Condition>) => (status: WebsiteStatus) => WebsiteStatus;

/** A cluster with a mutating webhook on status writes. */
class WithWebhook extends MemoryCluster {
  webhook = (status: WebsiteStatus): WebsiteStatus => status;

  override async updateStatus({ status = {}, ...website }: Website): Promise<Website> {
    return super.updateStatus({ ...website, status: this.webhook(status) });
  }
}

let cluster: WithWebhook;
beforeEach(() => {
  cluster = new WithWebhook();
  cluster.apply(key, { ...SPEC, replicas: 0 });
});
const run = () => reconcile(key, { cluster, now: () => NOW });

const ready: Ready = (change) => (status) => ({
  ...status,
  conditions: (status.conditions ?? []).map((each) => (each.type === 'Ready' ? { ...each, ...change } : each)),
});

const without =
  (field: keyof WebsiteStatus) =>
  (status: WebsiteStatus): WebsiteStatus =>
    Object.fromEntries(Object.entries(status).filter(([name]) => name !== field));

it.each<[string, (status: WebsiteStatus) => WebsiteStatus, string]>([
  ['the generation', (status) => ({ ...status, observedGeneration: 0 }), 'observedGeneration'],
  ['the generation away', without('observedGeneration'), 'observedGeneration'],
  ['the generation of Ready', ready({ observedGeneration: 0 }), 'Ready.observedGeneration'],
  ['the state of Ready', ready({ status: 'False' }), 'Ready.status'],
  ['the reason of Ready', ready({ reason: 'Other' }), 'Ready.reason'],
  ['the conditions away', without('conditions'), 'Ready'],
])('A webhook that takes or changes %s is reported, and leads to no hot loop', async (_, webhook, field) => {
  await run();
  cluster.rollOut();
  cluster.webhook = webhook;
  const { outcome } = await run();
  expect(outcome).toMatchObject({ kind: 'stalled', reason: 'Overridden' });
  expect(cluster.announced.at(-1)).toMatchObject({ reason: 'Overridden', type: 'Warning' });
  expect(cluster.announced.at(-1)?.note).toContain(field);
  cluster.webhook = (status) => status;
  expect(await run()).toMatchObject({ outcome: { kind: 'settled', reason: 'Parked' } });
});
