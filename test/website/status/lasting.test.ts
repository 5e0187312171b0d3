import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';
import type { Child } from '../../../functions/website/children/kinds.ts';
import { RUNS, type RunName } from '../../fixtures/runs.ts';

const key = { namespace: 'team-a', name: 'shop' };
const SERVICE = { ...key, name: 'shop-service' };
let cluster: MemoryCluster;
/** Seconds since the first run. */
let clock: number;

const run = (name: RunName = 'as-needed') =>
  reconcile(key, { cluster, now: () => new Date(NOW.getTime() + clock * 1000) }, RUNS[name]);
/** A run that fails, so that the sender tries again. */
const fails = (code: ErrorCode, name?: RunName) => expect(run(name)).rejects.toMatchObject({ code });
const status = () => cluster.websites()[0]?.status;
const conditions = () => status()?.conditions?.map(({ type, status: value, reason }) => `${type}=${value} ${reason}`);
const announced = () => cluster.announced.splice(0).map(({ type, reason }) => `${type} ${reason}`);

/** Every write of this kind of child is refused until the right is granted. */
function refuse(kind: Child['kind'], code: ErrorCode): { grant(): void } {
  const [create, replace] = [cluster.create.bind(cluster), cluster.replace.bind(cluster)];
  const refused = () => new ClusterError(code, `${code}: ${kind}`);
  cluster.create = async (child) => {
    if (child.kind === kind) throw refused();
    return create(child);
  };
  cluster.replace = async (child) => {
    if (child.kind === kind) throw refused();
    return replace(child);
  };
  return { grant: () => Object.assign(cluster, { create, replace }) };
}

/** A Website that is Ready gets another image. */
async function changeReadyWebsite(): Promise<void> {
  cluster.apply(key, SPEC);
  await run();
  cluster.rollOut();
  await run();
  announced();
  cluster.apply(key, { ...SPEC, image: 'nginx:2' });
}

beforeEach(() => {
  cluster = new MemoryCluster();
  clock = 0;
});

describe('A failure inside the API server', () => {
  const failed = (cause: string) =>
    new ClusterError(
      'InternalError',
      `Could not update deployments team-a/shop: Internal error occurred: failed calling webhook "policy.example.com": ${cause}`,
    );
  const message = () => status()?.conditions?.find(({ reason }) => reason === 'InternalError')?.message;

  beforeEach(changeReadyWebsite);

  it('is reported at once, and stalls the Website after a minute', async () => {
    cluster.replace = async () => Promise.reject(failed('connection refused'));
    await fails('InternalError');
    expect(conditions()).toEqual(['Ready=False InternalError', 'Reconciling=True InternalError']);
    expect(message()).toBe(`The API server fails: ${failed('connection refused').message}`);
    clock = 60;
    await fails('InternalError');
    expect(conditions()).toEqual(['Ready=False InternalError', 'Stalled=True InternalError']);
    expect(announced()).toEqual(['Normal Progressing', 'Warning InternalError']);
  });

  it('begins an entry of the history, which says why the site did not become ready', async () => {
    // It has another child to write, so the status does not go with the Deployment.
    const spec = { ...SPEC, image: 'nginx:2', disruptionBudget: undefined };
    cluster.apply(key, spec);
    const { generation } = cluster.websites()[0]?.metadata ?? {};
    const replace = cluster.replace.bind(cluster);
    cluster.replace = async () => Promise.reject(failed('connection refused'));
    await fails('InternalError');
    const startedAt = NOW.toISOString().replace('.000Z', 'Z');
    expect(status()?.history?.[0]).toEqual({ generation, image: 'nginx:2', startedAt });
    clock = 60;
    await fails('InternalError');
    expect(status()?.history?.[0]).toMatchObject({
      generation,
      startedAt,
      reason: 'InternalError',
      message: message(),
    });
    cluster.replace = replace;
    clock = 120;
    await run();
    cluster.rollOut();
    await run();
    expect(status()?.history?.[0]).toEqual({
      generation,
      image: 'nginx:2',
      startedAt,
      readyAt: startedAt.replace('04:05', '06:05'),
    });
  });

  it('writes nothing while it lasts, even if its cause differs each time', async () => {
    let port = 0;
    cluster.replace = async () => Promise.reject(failed(`read tcp 10.0.0.1:${port++}: reset`));
    for (clock of [0, 60]) await fails('InternalError');
    const { writes } = cluster;
    for (clock of [90, 120, 150]) await fails('InternalError');
    expect(cluster.writes).toBe(writes);
    expect(message()).toContain('10.0.0.1:0');
  });

  it.each([
    ['another webhook fails', {}, 'other.example.com'],
    ['the spec has changed since', { ...SPEC, disruptionBudget: undefined }, 'policy.example.com'],
  ])('has another message if %s', async (_, spec, webhook) => {
    cluster.replace = async () => Promise.reject(failed('connection refused'));
    for (clock of [0, 60]) await fails('InternalError');
    if ('disruptionBudget' in spec) cluster.apply(key, spec);
    const next = new ClusterError('InternalError', failed('no route').message.replace('policy.example.com', webhook));
    cluster.replace = async () => Promise.reject(next);
    await fails('InternalError');
    expect(message()).toContain(`"${webhook}": no route`);
  });

  it('leaves no trace once it is over', async () => {
    const replace = cluster.replace.bind(cluster);
    cluster.replace = async () => Promise.reject(failed('connection refused'));
    for (clock of [0, 90]) await fails('InternalError');
    cluster.replace = replace;
    await run();
    cluster.rollOut();
    await run();
    expect(conditions()).toEqual(['Ready=True Available']);
  });

  it('is not reported if the network failed too', async () => {
    cluster.remove('Service', SERVICE);
    cluster.replace = async () => Promise.reject(failed('connection refused'));
    cluster.create = async () => Promise.reject(new ClusterError('Unreachable', 'cut'));
    await fails('Unreachable');
    expect(conditions()).toEqual(['Ready=True Available']);
  });
});

describe('A missing right for a child', () => {
  beforeEach(changeReadyWebsite);

  it('is noted once in the first minute, and then becomes the condition Ready', async () => {
    refuse('Deployment', 'Forbidden');
    const { writes } = cluster;
    for (clock of [0, 30, 59]) {
      await fails('Forbidden');
      // The status of the rollout goes with the first write that is refused.
      expect(conditions()).toEqual(['Ready=False Forbidden', 'Reconciling=True Forbidden']);
    }
    expect(cluster.writes - writes).toBe(2);
    expect(announced()).toEqual(['Normal Progressing']);
    for (clock of [60, 90, 100_000]) {
      await fails('Forbidden');
      expect(conditions()).toEqual(['Ready=False Forbidden', 'Stalled=True Forbidden']);
      expect(status()?.observedGeneration).toBe(2);
      expect(status()?.conditions?.[0]?.message).toBe('The functions lack a right: Forbidden: Deployment');
    }
    expect(cluster.writes - writes).toBe(3);
    expect(announced()).toEqual(['Warning Forbidden']);
  });

  it('for a repair leaves the condition Ready as it was in the first minute', async () => {
    await run();
    cluster.rollOut();
    await run();
    const [deployment] = cluster.children();
    if (deployment?.kind === 'Deployment') cluster.edit(deployment, { spec: { ...deployment.spec, replicas: 7 } });
    refuse('Deployment', 'Forbidden');
    for (clock of [0, 30, 59]) {
      await fails('Forbidden');
      expect(conditions()).toEqual(['Ready=True Available', 'Reconciling=True Forbidden']);
    }
  });

  it.each([
    ['within the first minute', 30],
    ['after the first minute', 90],
  ])('that is granted %s leaves no trace', async (_, seconds) => {
    const refusal = refuse('Deployment', 'Forbidden');
    for (clock of [0, seconds]) await fails('Forbidden');
    refusal.grant();
    await run();
    cluster.rollOut();
    await run();
    expect(conditions()).toEqual(['Ready=True Available']);
  });

  it('is timed from its own beginning, and not from that of an earlier rollout', async () => {
    await run();
    expect(conditions()).toEqual(['Ready=False Progressing', 'Reconciling=True Progressing']);
    clock = 300;
    cluster.apply(key, { ...SPEC, image: 'nginx:3' });
    refuse('Deployment', 'Forbidden');
    for (clock of [300, 330]) {
      await fails('Forbidden');
      expect(conditions()).toEqual(['Ready=False Forbidden', 'Reconciling=True Forbidden']);
    }
    clock = 360;
    await fails('Forbidden');
    expect(conditions()).toEqual(['Ready=False Forbidden', 'Stalled=True Forbidden']);
  });

  it('does not keep the other children from being written, or the Pods from being counted', async () => {
    cluster.apply(key, SPEC);
    await run();
    refuse('Service', 'Forbidden');
    cluster.remove('Service', SERVICE);
    cluster.apply(key, { ...SPEC, replicas: 3 });
    await fails('Forbidden');
    expect(cluster.children()).toMatchObject([{ kind: 'Deployment', spec: { replicas: 3 } }]);
    cluster.rollOut();
    await fails('Forbidden');
    expect(status()).toMatchObject({ replicas: 3, availableReplicas: 3 });
  });

  it('stays reported after an event about the Deployment alone', async () => {
    cluster.apply(key, SPEC);
    await run();
    refuse('Service', 'Forbidden');
    cluster.remove('Service', SERVICE);
    await fails('Forbidden');
    await fails('Forbidden', 'deployment');
    expect(conditions()).toEqual(['Ready=True Available', 'Reconciling=True Forbidden']);
  });

  it('is not reported if the network failed before', async () => {
    const replace = cluster.replace.bind(cluster);
    cluster.remove('Service', SERVICE);
    cluster.create = async () => Promise.reject(new ClusterError('Unreachable', 'cut'));
    cluster.replace = async (child) =>
      child.kind === 'Deployment' ? Promise.reject(new ClusterError('Forbidden', 'no')) : replace(child);
    await fails('Unreachable');
    expect(conditions()).toEqual(['Ready=True Available']);
  });

  it('fails the run with its own error if the status cannot be written either', async () => {
    refuse('Deployment', 'Forbidden');
    cluster.updateStatus = async () => Promise.reject(new ClusterError('Forbidden', 'nor the status'));
    await expect(run()).rejects.toThrow('Forbidden: Deployment');
  });
});

it('A new Website reports a missing right at once, and is stalled after a minute', async () => {
  cluster.apply(key, SPEC);
  refuse('Deployment', 'Forbidden');
  await fails('Forbidden', 'nothing');
  expect(conditions()).toEqual(['Ready=False Forbidden', 'Reconciling=True Forbidden']);
  clock = 60;
  await fails('Forbidden');
  expect(conditions()).toEqual(['Ready=False Forbidden', 'Stalled=True Forbidden']);
  expect(announced()).toEqual(['Warning Forbidden']);
});

it.each(['Unauthorized', 'TooManyRequests', 'Timeout', 'Unavailable', 'Unreachable'] as const)(
  'A transient error (%s) never changes the status',
  async (code) => {
    cluster.apply(key, SPEC);
    await run();
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    refuse('Deployment', code);
    await fails(code);
    // The status of the rollout goes with the first write.
    const before = cluster.websites();
    expect(conditions()).toEqual(['Ready=False Progressing', 'Reconciling=True Progressing']);
    for (clock of [0, 90]) await fails(code);
    expect(cluster.websites()).toEqual(before);
  },
);
