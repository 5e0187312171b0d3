// Every call of every run fails once, in every way in which a call can fail, and the final state is the same (Sieve).
import { describe, expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { around } from '../cluster/around.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW } from '../fixtures/websites.ts';
import { SCENARIOS, type Step } from './scenarios.ts';
import { world } from './world.ts';
import { RUNS, type RunName } from '../fixtures/runs.ts';

const key = { namespace: 'team-a', name: 'shop' };

/** How a call fails, and whether the run ends. */
const FAILURES = {
  'the process ends before it': { takesEffect: false, endsTheRun: true },
  'the process ends after it': { takesEffect: true, endsTheRun: true },
  'it is refused': { takesEffect: false, endsTheRun: false },
  'its answer is lost': { takesEffect: true, endsTheRun: false },
} as const;
type Failure = (typeof FAILURES)[keyof typeof FAILURES];

/** Counts the calls of all runs, and makes one of them fail. */
class FailingCluster {
  calls = 0;
  #isDown = false;
  readonly #at: number;
  readonly #failure: Failure;
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster, at = 0, failure: Failure = FAILURES['it is refused']) {
    this.#cluster = cluster;
    this.#at = at;
    this.#failure = failure;
  }

  /** A new process. The previous one, if it ended, makes no more calls. */
  process(): Cluster {
    this.#isDown = false;
    return around(this.#cluster, async (_, proceed) => {
      if (this.#isDown) throw unreachable();
      const isTheOne = ++this.calls === this.#at;
      if (!isTheOne) return proceed();
      if (this.#failure.takesEffect) await proceed();
      this.#isDown = this.#failure.endsTheRun;
      throw unreachable();
    });
  }
}

const unreachable = () => new ClusterError('Unreachable', 'cut');

/** Delivers an event until it succeeds, as the forwarder does. */
async function deliver(failing: FailingCluster, name: RunName): Promise<void> {
  for (const attempt of [1, 2]) {
    try {
      await reconcile(key, { cluster: failing.process(), now: () => NOW }, RUNS[attempt === 1 ? name : 'as-needed']);
      return;
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== 'Unreachable' || attempt === 2) throw error;
    }
  }
}

async function live(steps: readonly Step[], cluster: MemoryCluster, failing: FailingCluster): Promise<void> {
  for (const step of steps) {
    const isNew = cluster.websites().length === 0;
    if ('apply' in step) cluster.apply(key, step.apply);
    else cluster.remove('Website', key);
    await deliver(failing, isNew ? 'nothing' : 'as-needed');
    cluster.rollOut();
    await deliver(failing, 'as-needed');
  }
}

describe.each(Object.entries(SCENARIOS))('When %s', (_, steps) => {
  it.each(Object.entries(FAILURES))(
    'and at any one call %s, the next event leads to the same state',
    async (_name, failure) => {
      const healthy = new MemoryCluster();
      const counting = new FailingCluster(healthy);
      await live(steps, healthy, counting);
      expect(counting.calls).toBeGreaterThan(5);
      for (let at = 1; at <= counting.calls; at++) {
        const cluster = new MemoryCluster();
        await live(steps, cluster, new FailingCluster(cluster, at, failure));
        expect(world(cluster), `call ${at} of ${counting.calls}`).toEqual(world(healthy));
      }
    },
  );
});
