import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import { nothingDone, reconcile } from '../../../functions/website/reconcile.ts';
import type { Condition, Website, WebsiteStatus } from '../../../functions/website/resource.ts';
import { SCOPES } from '../../../functions/website/run/scope.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
type Ready = (change: Partial<Condition>) => (status: WebsiteStatus) => WebsiteStatus;

/** A cluster with a mutating webhook on status writes. */
class WithWebhook extends MemoryCluster {
  webhook = (status: WebsiteStatus): WebsiteStatus => status;

  override async updateStatus({ status = {}, ...website }: Website): Promise<Website> {
    return super.updateStatus({ ...website, status: this.webhook(status) });
  }

  override async rehearseStatus({ status = {}, ...website }: Website): Promise<Website> {
    return super.rehearseStatus({ ...website, status: this.webhook(status) });
  }
}

let cluster: WithWebhook;
beforeEach(() => {
  seconds = 0;
  cluster = new WithWebhook();
  cluster.apply(key, { ...SPEC, replicas: 0 });
});
let seconds = 0;
const now = () => new Date(NOW.getTime() + seconds * 1000);
const run = () => reconcile(key, { cluster, now });
/** As a resync runs it. */
async function runUnprompted() {
  const done = nothingDone();
  const reconciled = await reconcile(key, { cluster, now }, { scope: SCOPES.everything, isUnprompted: true }, done);
  return { ...reconciled, statusProblem: done.statusProblem };
}

const ready: Ready = (change) => (status) => ({
  ...status,
  conditions: (status.conditions ?? []).map((each) => (each.type === 'Ready' ? { ...each, ...change } : each)),
});

const without =
  (field: keyof WebsiteStatus) =>
  (status: WebsiteStatus): WebsiteStatus =>
    Object.fromEntries(Object.entries(status).filter(([name]) => name !== field));

const WEBHOOKS: readonly [string, (status: WebsiteStatus) => WebsiteStatus, string][] = [
  ['the generation', (status) => ({ ...status, observedGeneration: 0 }), 'observedGeneration'],
  ['the generation away', without('observedGeneration'), 'observedGeneration'],
  ['the generation of Ready', ready({ observedGeneration: 0 }), 'Ready.observedGeneration'],
  ['the state of Ready', ready({ status: 'False' }), 'Ready.status'],
  ['the reason of Ready', ready({ reason: 'Other' }), 'Ready.reason'],
  ['the conditions away', without('conditions'), 'Ready'],
];

it.each(WEBHOOKS)(
  'A webhook that takes or changes %s is reported, and leads to no hot loop',
  async (_, webhook, field) => {
    await run();
    cluster.rollOut();
    cluster.webhook = webhook;
    const { outcome } = await run();
    expect(outcome).toMatchObject({ kind: 'stalled', reason: 'Overridden' });
    expect(cluster.announced.at(-1)).toMatchObject({ reason: 'Overridden', type: 'Warning' });
    expect(cluster.announced.at(-1)?.note).toContain(field);
    cluster.webhook = (status) => status;
    expect(await run()).toMatchObject({ outcome: { kind: 'settled', reason: 'Parked' } });
  },
);

describe('While a webhook takes or changes', () => {
  it.each(WEBHOOKS)('%s, a resync writes nothing and announces nothing twice', async (_, webhook) => {
    cluster.webhook = webhook;
    await run();
    cluster.rollOut();
    await run();
    const announced = cluster.announced.length;
    for (const later of [60, 3600, 7200]) {
      seconds = later;
      const { writes } = cluster;
      expect(await runUnprompted()).toMatchObject({
        outcome: { kind: 'stalled', reason: 'Overridden' },
        actions: [],
        statusProblem: expect.stringContaining('changes the status each time') as string,
      });
      expect(cluster.writes).toBe(writes);
    }
    expect(cluster.announced).toHaveLength(announced);
    cluster.webhook = (status) => status;
    expect(await runUnprompted()).toMatchObject({
      outcome: { kind: 'settled', reason: 'Parked' },
      actions: ['update status'],
      statusProblem: undefined,
    });
  });

  it.each(WEBHOOKS)('%s, a resync still writes what changes otherwise', async (_, webhook) => {
    cluster.webhook = webhook;
    await run();
    cluster.rollOut();
    await run();
    cluster.apply(key, { ...SPEC, replicas: 1 });
    expect((await runUnprompted()).actions).toEqual(expect.arrayContaining(['replace Deployment', 'update status']));
    cluster.rollOut();
    expect((await runUnprompted()).actions).toEqual(['update status']);
    expect(cluster.websites()[0]?.status?.availableReplicas).toBe(1);
    expect((await runUnprompted()).actions).toEqual([]);
  });
});

it('A resync writes a status that no event led to, and asks first', async () => {
  await run();
  cluster.rollOut();
  const asked: Website[] = [];
  const rehearse = cluster.rehearseStatus.bind(cluster);
  cluster.rehearseStatus = async (website) => {
    asked.push(website);
    return rehearse(website);
  };
  expect((await runUnprompted()).actions).toEqual(['update status']);
  expect(asked).toHaveLength(1);
  const { writes } = cluster;
  expect((await runUnprompted()).actions).toEqual([]);
  expect([asked.length, cluster.writes - writes]).toEqual([1, 0]);
});

it('A resync writes the status if the API server does not rehearse it', async () => {
  await run();
  cluster.rollOut();
  cluster.rehearseStatus = async () => Promise.reject(new ClusterError('BadRequest', 'does not support dry run'));
  expect((await runUnprompted()).actions).toEqual(['update status']);
});

describe('A status that the API server does not store', () => {
  let sent: number;
  const refuse = (code: ErrorCode | undefined) => {
    cluster.updateStatus = async (website) => {
      sent++;
      if (code !== undefined) throw new ClusterError(code, `Could not update websites/status team-a/shop: ${code}`);
      return MemoryCluster.prototype.updateStatus.call(cluster, website);
    };
  };
  const announced = () => cluster.announced.filter(({ reason }) => reason === 'StatusNotWritten');
  beforeEach(async () => {
    await run();
    cluster.rollOut();
    await run();
    sent = 0;
  });

  it.each<[ErrorCode, string]>([
    ['Forbidden', 'Forbidden'],
    ['InternalError', 'InternalError'],
    ['PolicyDenied', 'Rejected'],
    ['Invalid', 'Rejected'],
    ['RequestTooLarge', 'TooLarge'],
  ])('because of %s is announced as %s, once in ten minutes', async (code, why) => {
    refuse(code);
    cluster.apply(key, { ...SPEC, replicas: 1 });
    for (const later of [0, 30, 550, 700]) {
      seconds = later;
      await run().catch((error: unknown) => expect(error).toMatchObject({ code }));
    }
    expect(announced()).toHaveLength(2);
    const [event] = announced();
    expect(event).toMatchObject({ type: 'Warning' });
    const cause = code === 'RequestTooLarge' ? 'make spec.env, the labels' : `team-a/shop: ${code}`;
    expect(event?.note).toMatch(new RegExp(`^The status cannot be written \\(${why}\\): .*${cause}`));
    expect(event?.note).toMatch(/\. It should say Progressing: Waiting for the Deployment controller$/);
  });

  it.each<ErrorCode>(['Conflict', 'Unauthorized', 'TooManyRequests', 'Timeout', 'Unavailable', 'Unreachable'])(
    'because of %s, which concerns other Websites too, is not announced',
    async (code) => {
      refuse(code);
      cluster.apply(key, { ...SPEC, replicas: 1 });
      await expect(run()).rejects.toMatchObject({ code });
      expect(announced()).toEqual([]);
    },
  );

  it.each([
    ['the Website was written', [0], [30, 30, 60, 300, 600]],
    ['the Website or its Deployment was written', [0, 3600], [30, 30, 30, 30, 600]],
  ])('is tried again less and less often, by the time since %s', async (_, [website = 0, deployment = 0], waits) => {
    const at = (second: number) => {
      const time = new Date(NOW.getTime() + second * 1000).toISOString();
      return {
        managedFields: [
          { manager: 'x', time: NOW.toISOString() },
          { manager: 'y', time },
        ],
      };
    };
    refuse('PolicyDenied');
    const read = cluster.getWebsite.bind(cluster);
    cluster.getWebsite = async (wanted) => {
      const found = await read(wanted);
      return found && { ...found, metadata: { ...found.metadata, ...at(website) } };
    };
    const { metadata } = cluster.children()[0] as Deployment;
    cluster.edit(cluster.children()[0] as Deployment, { metadata: { ...metadata, ...at(deployment) }, status: {} });
    const found: unknown[] = [];
    for (const later of [0, 60, 240, 1200, 86_400]) {
      seconds = later;
      found.push((await run()).outcome);
    }
    expect(found).toEqual(
      waits.map((requeueAfterSeconds) => ({ kind: 'stalled', reason: 'Rejected', requeueAfterSeconds })),
    );
  });

  it('is not sent again as a report of its own failure, which would wait for the same webhook', async () => {
    refuse('InternalError');
    cluster.edit(cluster.children()[0] as Deployment, { status: {} });
    await expect(run()).rejects.toMatchObject({ code: 'InternalError' });
    expect(sent).toBe(1);
  });

  it.each<ErrorCode>(['InternalError', 'PolicyDenied'])(
    'is announced (%s) if it reports a missing right',
    async (code) => {
      refuse(code);
      cluster.create = async () => Promise.reject(new ClusterError('Forbidden', 'Could not create services'));
      cluster.remove('Service', { ...key, name: 'shop-service' });
      for (const later of [0, 30]) {
        seconds = later;
        await expect(run()).rejects.toMatchObject({ code: 'Forbidden', message: 'Could not create services' });
      }
      expect(announced()).toHaveLength(1);
      expect(announced()[0]?.note).toContain(
        'It should say Forbidden: The functions lack a right: Could not create services',
      );
    },
  );

  it('is announced again if it still fails after a change of the Website, and not once it is written', async () => {
    refuse('Forbidden');
    cluster.apply(key, { ...SPEC, replicas: 1 });
    await run().catch(() => {});
    cluster.apply(key, { ...SPEC, replicas: 2 });
    await run().catch(() => {});
    expect(announced()).toHaveLength(2);
    refuse(undefined);
    await run();
    expect(announced()).toHaveLength(2);
  });
});
