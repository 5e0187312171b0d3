// A run with an older spec that stalls at any of its calls changes no child after a newer run has ended.
import { describe, expect, it } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { around } from '../cluster/around.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { RUNS } from '../fixtures/runs.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';
import { world } from './world.ts';
import type { Run } from '../../functions/website/run/run.ts';

const key = { namespace: 'team-a', name: 'shop' };
const NONE = SPEC;
const labelled = (team: string) => ({ ...SPEC, childMetadata: { labels: { team }, annotations: { team } } });
const [WEB, SALES] = [labelled('web'), labelled('sales')];
const [HOST, OTHER] = ['a', 'b'].map((name) => ({ ...SPEC, host: `${name}.example.com` })) as [object, object];
const BUDGET = { ...SPEC, replicas: 2 };
const SINGLE = { ...SPEC, replicas: 1 };
const AUTOSCALED = { image: SPEC.image, host: 'a.example.com', autoscaling: { maxReplicas: 3 } };
const WIDER = { ...AUTOSCALED, autoscaling: { maxReplicas: 4 } };
const next = (spec: object) => ({ ...spec, image: 'nginx:next' });

const EVENTS: Readonly<Record<string, Run>> = {
  'as-needed': RUNS['as-needed'],
  spec: RUNS.spec,
  cached: { ...RUNS.spec, since: '1' },
  kept: { ...RUNS.spec, since: '1', kept: {} },
};

/** A cluster whose run stalls before one of its calls, then makes that call, and ends. */
function stallingAt(cluster: MemoryCluster, at: number) {
  let calls = 0;
  let resume = () => {};
  const resumed = new Promise<void>((resolve) => (resume = resolve));
  let stalled = () => {};
  const atCall = new Promise<void>((resolve) => (stalled = resolve));
  const slow = around(cluster, async (_, proceed) => {
    calls++;
    if (calls > at) throw new ClusterError('Unreachable', 'the process has ended');
    if (calls < at) return proceed();
    stalled();
    await resumed;
    return proceed();
  });
  return { slow, atCall, resume: () => resume() };
}

const run = (cluster: Cluster, event: Run = {}) => reconcile(key, { cluster, now: () => NOW }, event);
const ended = (work: Promise<unknown>) =>
  work.then(
    () => 'ended' as const,
    (error: unknown) => {
      if (!(error instanceof ClusterError)) throw error;
      return 'ended' as const;
    },
  );

/** @param specs one after the other, so that some children are older than others. */
async function settled(...specs: readonly object[]): Promise<MemoryCluster> {
  const cluster = new MemoryCluster();
  for (const spec of specs) {
    cluster.apply(key, spec);
    for (const _ of [1, 2, 3]) {
      await run(cluster, RUNS.spec);
      cluster.rollOut();
    }
  }
  return cluster;
}

const children = (cluster: MemoryCluster) =>
  world(cluster).filter((each) => (each as { kind: string }).kind !== 'Website');

/** @returns whether the older run makes that many calls. */
async function race(
  from: MemoryCluster,
  [older, newer]: readonly object[],
  [slowRun, fastRun]: readonly Run[],
  at: number,
) {
  const cluster = from.copy();
  const copy = { Deployment: await cluster.getChild('Deployment', key) };
  const withCopy = (event: Run = {}): Run => (event.kept === undefined ? event : { ...event, kept: copy });
  cluster.apply(key, older);
  const { slow, atCall, resume } = stallingAt(cluster, at);
  const end = ended(run(slow, withCopy(slowRun)));
  if ((await Promise.race([end, atCall.then(() => 'stalled' as const)])) === 'ended') return false;
  cluster.apply(key, newer);
  await run(cluster, withCopy(fastRun));
  const before = children(cluster);
  resume();
  await end;
  expect(children(cluster), `after call ${at}`).toEqual(before);
  cluster.rollOut();
  await run(cluster, RUNS.spec);
  expect(children(cluster)).toEqual(children(await settled(newer as object)));
  return true;
}

describe.each([
  ['labels change and change back', WEB, SALES, WEB],
  ['labels are added and removed', NONE, WEB, NONE],
  ['labels are removed and added again', WEB, NONE, WEB],
  ['labels change twice', NONE, WEB, SALES],
  ['labels are added, and then removed with a new image', NONE, WEB, { ...NONE, image: 'nginx:2' }],
  ['the host changes and changes back', HOST, OTHER, HOST],
  ['the host changes after an image', [HOST, next(HOST)], OTHER, next(HOST)],
  ['the image changes, and then the host', [next(HOST), HOST], next(HOST), OTHER],
  ['the image changes twice', [OTHER, HOST], next(HOST), HOST],
  ['the image changes, and then the host goes', [next(HOST), HOST], next(HOST), NONE],
  ['the host goes and comes back', [next(HOST), HOST], NONE, HOST],
  ['the budget goes and comes back', [next(BUDGET), BUDGET], SINGLE, BUDGET],
  ['the budget goes and comes back with another image', [next(BUDGET), BUDGET], SINGLE, next(BUDGET)],
  ['the bounds of the autoscaler change and change back', [next(AUTOSCALED), AUTOSCALED], WIDER, next(AUTOSCALED)],
  ['labels of an older spec change and change back', [next(WEB), WEB], SALES, next(WEB)],
])('While %s,', (_, from, older, newer) => {
  const names = Object.keys(EVENTS);
  it.each(names.flatMap((one) => names.map((other) => [one, other] as const)))(
    'an older run (%s) that stalls at any call does not undo a newer run (%s)',
    async (one, other) => {
      const start = await settled(...[from].flat());
      let at = 1;
      while (await race(start, [older, newer], [EVENTS[one] ?? {}, EVENTS[other] ?? {}], at)) at++;
      expect(at).toBeGreaterThan(3);
    },
  );
});
