// Looks: what the sink asks for when it accepts an event (`website-requeue-after`).
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../infra/forwarder/queue/queue.ts';
import { outcomeOf } from '../../../functions/website/status/outcome.ts';
import { sampled } from '../../sampling.ts';
import { harness, job, type Job } from './harness.ts';

const ONE_A_SECOND = { burst: 1, perSecond: 1 };

const look = (key: string, afterMs: number): Result<Job> => ({
  kind: 'done',
  next: { afterMs, item: { key, version: 1 } },
});

/** `busy/site-1` is in the namespace `busy`. */
const namespaceOf = (key: string) => (key.includes('/') ? key.replace(/\/.*/, '') : 'a');

/** A queue with looks that wait, in the order in which they are due. */
async function waiting(waits: Readonly<Record<string, number>>, { parallel = 99, limit = ONE_A_SECOND } = {}) {
  const all = harness(parallel, 0.5, limit);
  for (const [key, afterMs] of Object.entries(waits)) {
    all.queue.add(job(key, 0, namespaceOf(key)));
    await all.end(key, look(key, afterMs));
  }
  all.started.length = 0;
  /** Lets time pass, and ends every delivery at once. */
  const pass = async (ms: number, result: Result<Job> = { kind: 'done' }) => {
    for (const until = all.clock.now() + ms; all.clock.now() < until;) {
      all.clock.pass(Math.min(100, until - all.clock.now()));
      for (const key of all.running.keys()) await all.end(key, result);
    }
  };
  return { ...all, pass, keys: () => all.started.map(({ key }) => key) };
}
const many = (prefix: string, count: number, afterMs: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}-${index}`, afterMs]));

describe('Looks', () => {
  it('P8: start at a limited rate, however many wait, and whether or not they fail', async () => {
    const ends = fc.constantFrom<Result<Job>[]>(
      { kind: 'again' },
      { kind: 'again', retryAfterSeconds: 1 },
      look('', 1),
    );
    const limits = fc.record({ burst: fc.integer({ min: 1, max: 5 }), perSecond: fc.integer({ min: 1, max: 30 }) });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(ends, { minLength: 1, maxLength: 9 }), async (limit, results) => {
        const { clock, queue, running, started, end } = harness(8, 0.5, limit);
        for (let each = 0; each < 50; each++) {
          queue.add(job(`site-${each}`, 0));
          await end(`site-${each}`, look(`site-${each}`, 1_000));
        }
        started.length = 0;
        for (let turn = 0; clock.now() < 20_000; turn++) {
          for (const key of running.keys()) {
            const result = results[turn % results.length] ?? look(key, 1);
            await end(key, result.kind === 'done' ? look(key, 1) : result);
          }
          clock.pass(50);
        }
        const most = limit.burst + limit.perSecond * 19;
        expect(started.length).toBeLessThanOrEqual(most + 1);
        // They use the limit: 50 keys may be handled twice a second each.
        if (results.every(({ kind }) => kind === 'done')) expect(started.length).toBeGreaterThan(most * 0.8);
      }),
      sampled({ sometimes: 50, often: 500 }),
    );
  });

  it('P7: delay no change, neither of another key nor of their own', async () => {
    const { clock, queue, started, running, pass } = await waiting(many('site', 50, 1_000));
    await pass(5_000);
    started.length = 0;
    for (const key of ['other', 'site-49']) queue.add(job(key, 2));
    expect(started).toEqual([
      { key: 'other', version: 2 },
      { key: 'site-49', version: 2 },
    ]);
    expect([...running.keys()]).toEqual(['other', 'site-49']);
    expect(clock.isEmpty).toBe(false);
  });

  describe('that are due', () => {
    const limit = { burst: 99, perSecond: 99 };
    /** 20 looks are due while the only place is taken. */
    async function due() {
      const all = await waiting({}, { parallel: 1, limit });
      for (const key of Object.keys(many('look', 20, 1))) {
        all.queue.add(job(key, 0));
        await all.end(key, look(key, 1));
      }
      all.queue.add(job('busy', 2));
      all.clock.pass(1);
      all.started.length = 0;
      /** The keys of the next turns. */
      const turns = async (count: number) => {
        for (let each = 0; each < count; each++) {
          const [key = ''] = all.running.keys();
          await all.end(key);
        }
        return all.keys();
      };
      return { ...all, turns };
    }

    it('get one of eight turns while changes wait', async () => {
      const { queue, turns } = await due();
      for (let each = 0; each < 99; each++) queue.add(job(`change-${each}`, 2));
      expect((await turns(80)).filter((key) => key.startsWith('look'))).toHaveLength(10);
    });

    it('share the turns that changes leave with what else is not urgent', async () => {
      const { queue, turns } = await due();
      for (let each = 0; each < 20; each++) queue.add(job(`old-${each}`, 2, 'a', 'slow'));
      expect((await turns(20)).filter((key) => key.startsWith('look'))).toHaveLength(10);
    });
  });

  it('start in the order in which they are due', async () => {
    const { keys, pass } = await waiting({ third: 3_000, first: 1_000, second: 1_001 });
    await pass(10_000);
    expect(keys()).toEqual(['first', 'second', 'third']);
  });

  it('of one namespace do not delay those of another', async () => {
    const { keys, pass } = await waiting({ ...many('busy/site', 30, 1_000), 'quiet/site': 1_000 });
    await pass(4_000);
    expect(keys().slice(0, 3)).toContain('quiet/site');
  });

  it('after a short wait go before those after a long one, but not always', async () => {
    const { keys, pass } = await waiting({ ...many('long', 60, 20_000), ...many('short', 30, 15_000) });
    await pass(15_000);
    await pass(10_000);
    const first = keys();
    expect(first.slice(0, 5)).toEqual(['short-0', 'short-1', 'short-2', 'short-3', 'short-4']);
    expect(first.filter((key) => key.startsWith('long')).length).toBe(1);
  });

  it('after a short wait are in time, though others are late already', async () => {
    const { queue, end, pass, started } = await waiting(many('old', 200, 5_000));
    await pass(60_000);
    queue.add(job('new', 0));
    await end('new', look('new', 5_000));
    await pass(7_500);
    expect(started).toContainEqual({ key: 'new', version: 1 });
  });

  it('that fail are tried again before those that have been due for long', async () => {
    const { keys, pass, running, clock, end } = await waiting(many('site', 50, 60_000));
    clock.pass(60_000);
    const [failed = ''] = running.keys();
    await end(failed, { kind: 'again' });
    await pass(3_000);
    expect(keys().filter((key) => key === failed)).toHaveLength(2);
  });

  it('that a change replaced do not start', async () => {
    const { queue, end, pass, started } = await waiting(many('site', 9, 60_000));
    await pass(60_500);
    queue.add(job('site-8', 2));
    await end('site-8', { kind: 'again', retryAfterSeconds: 600 });
    await pass(20_000);
    expect(started.filter(({ key }) => key === 'site-8')).toEqual([{ key: 'site-8', version: 2 }]);
  });

  it('keep their time when a list finds that nothing changed', async () => {
    const { queue, pass, keys, started } = await waiting({ x: 60_000 });
    queue.add({ ...job('x', 2, 'a', 'later'), afterMs: 500 });
    await pass(59_900);
    expect(keys()).toEqual([]);
    await pass(200);
    expect(started).toEqual([{ key: 'x', version: 1 }]);
  });

  describe('that a list begins', () => {
    const begun = async (limit = ONE_A_SECOND) => {
      const all = await waiting({}, { limit });
      for (const key of Object.keys(many('site', 50, 500)))
        all.queue.add({ ...job(key, 1, 'a', 'later'), afterMs: 500 });
      return all;
    };

    it('P8: start at the limited rate', async () => {
      const { keys, pass } = await begun();
      await pass(400);
      expect(keys()).toHaveLength(0);
      await pass(10_100);
      expect(keys()).toHaveLength(11);
    });

    it('are no undelivered change', async () => {
      const { queue, pass } = await begun();
      await pass(10_000);
      expect(queue.pending()).toEqual({ queued: 0, delayed: 0, looks: 40, atWork: 0, oldestAgeMs: 0 });
    });

    it('neither replace a change that waits nor shorten its backoff', async () => {
      const { queue, pass, started, end } = await waiting({});
      queue.add(job('x', 1));
      await end('x', { kind: 'again', retryAfterSeconds: 60 });
      queue.add({ ...job('x', 2, 'a', 'later'), afterMs: 500 });
      await pass(59_000);
      expect(started).toHaveLength(1);
      await pass(2_000);
      expect(started.slice(1)).toEqual([{ key: 'x', version: 1 }]);
    });

    it('give way to a change of their Website', async () => {
      const { queue, pass, started } = await begun();
      await pass(600);
      queue.add(job('site-49', 2));
      expect(started.at(-1)).toEqual({ key: 'site-49', version: 2 });
    });
  });

  it('that wait are no undelivered change, and do not count as waiting for a turn', async () => {
    const { queue, clock, running, waitedMs, end } = await waiting(many('site', 50, 60_000));
    expect(queue.pending()).toEqual({ queued: 0, delayed: 50, looks: 0, atWork: 0, oldestAgeMs: 0 });
    clock.pass(60_000);
    for (let second = 0; second < 9; second++) {
      for (const key of running.keys()) await end(key);
      clock.pass(1_000);
    }
    expect(queue.pending()).toEqual({ queued: 0, delayed: 0, looks: 40, atWork: 1, oldestAgeMs: 0 });
    expect(new Set(waitedMs)).toEqual(new Set([0]));
  });

  it('that fail are as old as their first try, and a change is as old as itself', async () => {
    const { queue, clock, running, end } = await waiting({ x: 60_000, ...many('site', 50, 60_000) });
    clock.pass(60_000);
    await end('x', { kind: 'again', retryAfterSeconds: 30 });
    clock.pass(2_000);
    expect(queue.pending().oldestAgeMs).toBe(2_000);
    for (const key of running.keys()) await end(key);
    clock.pass(29_050);
    for (const key of running.keys()) await end(key);
    expect(queue.pending().oldestAgeMs).toBe(0);
    queue.add(job('site-49', 2));
    clock.pass(1_000);
    expect(queue.pending().oldestAgeMs).toBe(1_000);
  });

  it('are late no longer once the sink has recovered, though many wait', async () => {
    const { queue, pass } = await waiting(many('site', 600, 60_000));
    await pass(600_000, { kind: 'again' });
    expect(queue.pending().oldestAgeMs).toBeGreaterThan(500_000);
    await pass(120_000);
    expect(queue.pending().oldestAgeMs).toBe(0);
    expect(queue.pending().looks).toBeGreaterThan(300);
  });

  it('leave no timer behind after the queue stops', async () => {
    const { queue, clock } = await waiting(many('site', 9, 1_000));
    clock.pass(1_000);
    void queue.stop();
    expect(clock.isEmpty).toBe(true);
  });
});

/** How long the functions wait until the next look at a rollout, in seconds. */
function waitOf(ageSeconds: number): number {
  const now = new Date('2026-01-01T12:00:00Z');
  const lastTransitionTime = new Date(now.getTime() - ageSeconds * 1000).toISOString();
  const reason = 'Progressing';
  const outcome = outcomeOf(
    { state: 'progressing', reason, message: '', explainedBy: 'Pods' },
    { conditions: [{ type: 'Reconciling', status: 'True', lastTransitionTime, reason, message: '' }] },
    now,
  );
  return 'requeueAfterSeconds' in outcome ? (outcome.requeueAfterSeconds ?? 0) : 0;
}

describe('A small installation does not notice the limit:', () => {
  it.each([
    ['300 Websites stop being ready at the same time', 300, 0, 0],
    ['2,400 Websites have not been ready for an hour', 2_400, 3_600, 120],
  ])('%s', async (_, count, ageSeconds, spreadSeconds) => {
    const { clock, queue, running, end } = harness(count);
    const due = new Map<string, number>();
    const late: number[] = [];
    for (let each = 0; each < count; each++)
      clock.after((each / count) * spreadSeconds * 1000, () => queue.add(job(`site-${each}`, 0)));
    while (clock.now() < 400_000) {
      clock.advance();
      for (const key of running.keys()) {
        const now = clock.now();
        late.push(now - (due.get(key) ?? now));
        const afterMs = waitOf(ageSeconds + now / 1000) * 1000;
        due.set(key, now + afterMs);
        await end(key, look(key, afterMs));
      }
    }
    // The clock counts parts of milliseconds, and timers do not.
    expect(Math.max(...late)).toBeLessThan(100);
  });
});
