import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Lane } from '../../../infra/forwarder/queue/lanes.ts';
import { WorkQueue, type Result } from '../../../infra/forwarder/queue/queue.ts';
import { sampled } from '../../sampling.ts';
import { Clock, harness, job, settled, type Job } from './harness.ts';

/** How a delivery ends: the sink accepts it, it fails, or the sink asks for a look. */
type End = 'done' | 'again' | { readonly lookAfterMs: number };
const endOf = (end: End, key: string, version: number): Result<Job> =>
  typeof end === 'string'
    ? { kind: end }
    : { kind: 'done', next: { afterMs: end.lookAfterMs, item: { key, version } } };

describe('The queue', () => {
  it('P5: delivers, for each key, the item or look that came last, in order and one at a time, despite failures', async () => {
    const as = fc.oneof<fc.Arbitrary<End>[]>(
      fc.constantFrom('done', 'again'),
      fc.record({ lookAfterMs: fc.integer({ min: 0, max: 30_000 }) }),
    );
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ add: fc.constantFrom('x', 'y', 'z') }) },
      { weight: 3, arbitrary: fc.record({ end: fc.nat(), as }) },
      { weight: 1, arbitrary: fc.constant({ advance: true }) },
    );
    const looks = { burst: 1, perSecond: 1 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, parallel) => {
        const { clock, queue, started, running, end } = harness(parallel, 0.5, looks);
        const last = new Map<string, number>();
        const done = new Map<string, number>();
        const finish = async (key: string, result: Result<Job> = { kind: 'done' }) => {
          const version = started.findLast((item) => item.key === key)?.version ?? -1;
          if (result.kind === 'done') {
            done.set(key, version);
            // A newer item makes the look needless.
            if (result.next !== undefined && last.get(key) === version) last.set(key, result.next.item.version);
          }
          await end(key, result);
        };
        for (const [version, each] of steps.entries()) {
          if ('add' in each) {
            last.set(each.add, version);
            queue.add(job(each.add, version));
          } else if ('end' in each) {
            const [key] = [...running.keys()].slice(each.end % Math.max(running.size, 1));
            if (key !== undefined) await finish(key, endOf(each.as, key, version));
          } else clock.advance();
          expect(running.size).toBeLessThanOrEqual(parallel);
        }
        // The faults stop: from here on, every delivery succeeds.
        for (let round = 0; queue.size > 0; round++) {
          if (round > 1_000) throw new Error('Something is never delivered');
          for (const key of running.keys()) await finish(key);
          clock.advance();
        }
        // A change may have replaced the look that this timer was for.
        clock.advance();
        expect(done).toEqual(last);
        for (const key of last.keys()) {
          const versions = started.filter((item) => item.key === key).map(({ version }) => version);
          expect(versions).toEqual(versions.toSorted((left, right) => left - right));
        }
        expect(clock.isEmpty).toBe(true);
      }),
      sampled({ sometimes: 300, often: 3_000 }),
    );
  });

  it('starts an item after its delay, or at once if its key is added again without a delay', () => {
    const { clock, queue, started } = harness(9);
    queue.add({ ...job('x', 1), afterMs: 500 });
    queue.add({ ...job('y', 1), afterMs: 500 });
    queue.add(job('y', 2));
    expect(started.map(({ key, version }) => [key, version])).toEqual([['y', 2]]);
    clock.pass(500);
    expect(started.map(({ key, version }) => [key, version])).toEqual([
      ['y', 2],
      ['x', 1],
    ]);
  });

  it('P8: holds one entry per key, however often it is added', async () => {
    const { queue, started, end } = harness(1);
    for (let version = 0; version < 25; version++) queue.add(job('x', version));
    expect(queue.size).toBe(1);
    await end('x');
    expect(started.map(({ version }) => version)).toEqual([0, 24]);
  });

  it('delivers the merge of two waiting items', async () => {
    const items: string[] = [];
    const queue = new WorkQueue<string>({
      parallel: 1,
      handle: async (item) => {
        items.push(item);
        return { kind: 'done' };
      },
      merge: (older, newer) => `${older}+${newer}`,
    });
    queue.add({ key: 'x', group: 'a', lane: 'fast', item: '1' });
    queue.add({ key: 'x', group: 'a', lane: 'fast', item: '2' });
    queue.add({ key: 'x', group: 'a', lane: 'fast', item: '3' });
    await settled();
    expect(items).toEqual(['1', '2+3']);
  });

  it('delivers the merge of a failed item and a newer one', async () => {
    const items: string[] = [];
    const clock = new Clock();
    const queue = new WorkQueue<string>({
      parallel: 1,
      timers: clock,
      handle: async (item) => {
        items.push(item);
        return { kind: items.length === 1 ? 'again' : 'done' };
      },
      merge: (older, newer) => `${older}+${newer}`,
    });
    queue.add({ key: 'x', group: 'a', lane: 'fast', item: '1' });
    queue.add({ key: 'x', group: 'a', lane: 'fast', item: '2' });
    await settled();
    clock.advance();
    await settled();
    expect(items).toEqual(['1', '1+2']);
  });
});

/** How many of these keys the largest group has. A key begins with its group. */
const largestGroup = (keys: readonly string[]): number =>
  Math.max(0, ...[...Map.groupBy(keys, (key) => key[0])].map(([, some]) => some.length));

it('P7: every place is used, but for those that others may need', async () => {
  const of = fc.record({ group: fc.constantFrom('a', 'b', 'c'), key: fc.nat({ max: 9 }) });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ add: of, lane: fc.constantFrom('fast', 'listed', 'slow') }) },
    { weight: 2, arbitrary: fc.record({ end: fc.nat(), as: fc.constantFrom('done', 'again') }) },
    { weight: 1, arbitrary: fc.constant({ advance: true }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 8 }), async (steps, parallel) => {
      const { clock, queue, running, end, attempts } = harness(parallel);
      /** What the queue knows of each key. */
      const lanes = new Map<string, Lane>();
      const isNew = (key: string) => attempts.get(key) === 1 && lanes.get(key) !== 'slow';
      for (const each of steps) {
        if ('add' in each) {
          const key = `${each.add.group}${each.add.key}`;
          if (lanes.has(key)) continue;
          lanes.set(key, each.lane);
          queue.add(job(key, 0, each.add.group, each.lane));
        } else if ('end' in each) {
          const [key = ''] = [...running.keys()].slice(each.end % Math.max(running.size, 1));
          if (each.as === 'done') lanes.delete(key);
          await end(key, { kind: each.as });
        } else clock.advance();
        const others = [...running.keys()].filter((key) => !isNew(key));
        const places = [
          { held: running.size, most: parallel },
          { held: largestGroup([...running.keys()]), most: Math.ceil(parallel * 0.75) },
          { held: others.length, most: Math.ceil(parallel / 2) },
          { held: largestGroup(others), most: Math.ceil(Math.ceil(parallel / 2) * 0.75) },
        ];
        for (const { held, most } of places) expect(held).toBeLessThanOrEqual(most);
        const mayWait = places.some(({ held, most }) => held === most);
        expect(mayWait ? 0 : queue.pending().queued).toBe(0);
      }
    }),
    sampled({ sometimes: 300, often: 3_000 }),
  );
});

describe('A key', () => {
  it('P7: that always fails delays no other key', async () => {
    const { queue, started, end } = harness(1);
    queue.add(job('poison', 0));
    queue.add(job('good', 1));
    await end('poison', { kind: 'again' });
    expect(started.at(-1)?.key).toBe('good');
  });

  it('P7: of a group that hangs leaves places for other groups', () => {
    const { queue, running } = harness(8);
    for (let each = 0; each < 20; each++) queue.add(job(`hangs-${each}`, each, 'broken'));
    expect(running.size).toBe(6);
    for (const key of ['good-0', 'good-1', 'good-2']) queue.add(job(key, 0, 'healthy'));
    expect([...running.keys()].slice(6)).toEqual(['good-0', 'good-1']);
  });

  it('P7: of a group that hangs leaves places for other groups, also if a list revealed its change', () => {
    const { queue, running } = harness(8);
    for (let each = 0; each < 20; each++) queue.add(job(`listed-${each}`, each, 'broken', 'listed'));
    for (let each = 0; each < 20; each++) queue.add(job(`hangs-${each}`, each, 'broken'));
    expect(running.size).toBe(6);
    queue.add(job('listed', 0, 'healthy', 'listed'));
    queue.add(job('good', 0, 'healthy'));
    expect([...running.keys()].slice(6)).toEqual(['listed', 'good']);
  });

  it('P7: of a group that hangs leaves those places when its retries come too', async () => {
    const { queue, running, end, clock } = harness(8);
    queue.add(job('fails', 0, 'broken'));
    await end('fails', { kind: 'again' });
    for (let each = 0; each < 6; each++) queue.add(job(`hangs-${each}`, each, 'broken'));
    clock.pass(60_000);
    expect(running.size).toBe(6);
    expect(running.has('fails')).toBe(false);
  });

  it('P7: of a group that fails slowly leaves places for the retries of other groups', async () => {
    const { queue, running, end, clock } = harness(8);
    queue.add(job('good', 0, 'healthy'));
    for (let each = 0; each < 20; each++) queue.add(job(`hangs-${each}`, each, 'broken'));
    for (let each = 0; each < 20; each++) await end(`hangs-${each}`, { kind: 'again' });
    clock.pass(60_000);
    expect([...running.keys()].filter((key) => key.startsWith('hangs'))).toHaveLength(3);
    await end('good', { kind: 'again' });
    clock.pass(200);
    expect(running.has('good')).toBe(true);
  });

  it.each<[string, (queue: WorkQueue<Job>) => void]>([
    ['fails slowly', () => {}],
    [
      'is in the slow lane',
      (queue) => {
        for (let each = 0; each < 20; each++) queue.add(job(`slow-${each}`, each, `group-${each}`, 'slow'));
      },
    ],
  ])('P7: that %s leaves half of the places to new changes', async (_, addMore) => {
    const { queue, running, end, clock } = harness(8);
    for (let each = 0; each < 20; each++) queue.add(job(`hangs-${each}`, each, `group-${each}`));
    for (let each = 0; each < 20; each++) await end(`hangs-${each}`, { kind: 'again' });
    addMore(queue);
    clock.pass(60_000);
    expect(running.size).toBe(4);
    for (let each = 0; each < 5; each++) queue.add(job(`good-${each}`, each, `group-${each}`));
    expect([...running.keys()].slice(4)).toEqual(['good-0', 'good-1', 'good-2', 'good-3']);
  });

  it('that fails waits as long as Retry-After asks, and longer after each failure', async () => {
    const { clock, queue, started, end } = harness();
    queue.add(job('x', 0));
    await end('x', { kind: 'again', retryAfterSeconds: 5 });
    clock.advance();
    expect(clock.now()).toBe(5_050);
    await end('x', { kind: 'again' });
    clock.advance();
    expect(clock.now()).toBe(5_150);
    expect(started).toHaveLength(3);
  });

  it('that fails is retried without limit, at most 30 s apart', async () => {
    const { clock, queue, started, end } = harness(1, 1);
    queue.add(job('a', 1));
    for (let attempt = 1; attempt <= 500; attempt++) {
      expect(started).toHaveLength(attempt);
      await end('a', { kind: 'again' });
      clock.pass(30_000);
    }
    await end('a');
    expect(queue.size).toBe(0);
  });

  it('that fails waits together with an item added during the failed delivery', async () => {
    const { clock, queue, started, end } = harness();
    queue.add(job('x', 0));
    queue.add(job('x', 1));
    await end('x', { kind: 'again', retryAfterSeconds: 5 });
    expect(started).toHaveLength(1);
    clock.advance();
    expect([clock.now(), started.at(-1)?.version]).toEqual([5_050, 1]);
  });

  it('that fails keeps counting its attempts when a new item comes', async () => {
    const attempts: number[] = [];
    const queue = new WorkQueue<number>({
      parallel: 1,
      timers: new Clock(),
      handle: async (_, attempt) => {
        attempts.push(attempt);
        return { kind: 'again' };
      },
    });
    for (let version = 0; version < 3; version++) {
      queue.add({ key: 'x', group: 'a', lane: 'fast', item: version });
      await settled();
    }
    expect(attempts).toEqual([1, 2, 3]);
  });

  it('that waits after a failure is tried at once when a new item comes', async () => {
    const { queue, started, end } = harness();
    queue.add(job('x', 0));
    await end('x', { kind: 'again' });
    queue.add(job('x', 1));
    expect(started.at(-1)?.version).toBe(1);
  });

  it('that waits for a Retry-After keeps waiting when a new item comes', async () => {
    const { clock, queue, started, end } = harness();
    queue.add(job('x', 0));
    await end('x', { kind: 'again', retryAfterSeconds: 600 });
    queue.add(job('x', 1));
    expect(started).toHaveLength(1);
    clock.advance();
    expect([clock.now(), started.at(-1)?.version]).toEqual([600_050, 1]);
  });

  it('reports how long its oldest undelivered change has waited, despite failures and new items', async () => {
    const { clock, queue, end } = harness();
    expect(queue.pending()).toEqual({ queued: 0, delayed: 0, looks: 0, atWork: 0, oldestAgeMs: 0 });
    queue.add(job('x', 0));
    await end('x', { kind: 'again', retryAfterSeconds: 5 });
    clock.pass(2_000);
    queue.add(job('x', 0));
    expect(queue.pending()).toEqual({ queued: 0, delayed: 1, looks: 0, atWork: 0, oldestAgeMs: 2_000 });
    clock.advance();
    expect(queue.pending()).toEqual({ queued: 0, delayed: 0, looks: 0, atWork: 1, oldestAgeMs: 5_050 });
    queue.add(job('x', 1));
    await end('x');
    expect(queue.pending()).toEqual({ queued: 0, delayed: 0, looks: 0, atWork: 1, oldestAgeMs: 0 });
    await end('x', { kind: 'done', next: { afterMs: 60_000, item: { key: 'x', version: 2 } } });
    expect(queue.pending()).toEqual({ queued: 0, delayed: 1, looks: 0, atWork: 0, oldestAgeMs: 0 });
  });

  it('that is added again and again is delayed, and its last item is delivered', async () => {
    const { clock, queue, started, running, end } = harness();
    for (let version = 0; version < 100; version++) {
      queue.add(job('hot', version));
      await end('hot');
    }
    expect(started.length).toBeLessThan(40);
    for (let round = 0; queue.size > 0 && round < 1_000; round++) {
      clock.advance();
      for (const key of running.keys()) await end(key);
    }
    expect(started.at(-1)?.version).toBe(99);
  });

  it('that is added all the time is worked on at a steady, limited rate', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 900 }), async (everyMs) => {
        const { clock, queue, started, running, end } = harness();
        const times: number[] = [];
        for (let version = 0; clock.now() < 60_000; version++) {
          clock.pass(everyMs);
          queue.add(job('hot', version));
          if (running.size > 0) times.push(clock.now());
          await end('hot');
        }
        // Include the end of the run, so that a key that is never served again shows a gap.
        const gaps = [...times, clock.now()].map((time, index) => time - (times[index - 1] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(500 + 2 * everyMs);
        // Two in a second, after the burst.
        expect(started.length).toBeLessThanOrEqual(30 + 2 * 61);
      }),
      sampled({ sometimes: 50, often: 500 }),
    );
  });

  it('that the sink asks to see again at once is limited to the same rate', async () => {
    const { clock, queue, started, end } = harness();
    queue.add(job('x', 0));
    while (clock.now() < 10_000) {
      await end('x', { kind: 'done', next: { afterMs: 0, item: { key: 'x', version: 1 } } });
      clock.advance();
    }
    expect(started.length).toBeLessThanOrEqual(30 + 2 * 11);
  });

  it('is delivered again after the time that the sink asked for, unless a new item comes first', async () => {
    const { clock, queue, started, end } = harness();
    const next = { afterMs: 60_000, item: { key: 'x', version: 7 } };
    queue.add(job('x', 0));
    await end('x', { kind: 'done', next });
    clock.advance();
    expect([clock.now(), started.at(-1)?.version]).toEqual([60_000, 7]);
    await end('x', { kind: 'done', next });
    queue.add(job('x', 8));
    await end('x');
    expect([clock.isEmpty, queue.size]).toEqual([true, 0]);
  });
});

describe('The queue', () => {
  it('serves the fast lane first, but not exclusively', async () => {
    const { queue, started, end } = harness(1);
    queue.add(job('first', 0));
    for (let each = 0; each < 20; each++) queue.add(job(`slow-${each}`, each, 'a', 'slow'));
    for (let each = 0; each < 20; each++) queue.add(job(`fast-${each}`, each));
    for (let each = 0; each < 18; each++) await end(started.at(-1)?.key ?? '');
    const slow = started.filter(({ key }) => key.startsWith('slow')).length;
    expect(slow).toBe(2);
  });

  it('takes turns between what watches and what lists reveal, however many groups a list reveals', async () => {
    const { queue, started, end } = harness(1);
    queue.add(job('first', 0));
    for (let each = 0; each < 20; each++) queue.add(job(`listed-${each}`, each, `group-${each}`, 'listed'));
    for (let each = 0; each < 4; each++) queue.add(job(`live-${each}`, each));
    for (let each = 0; each < 8; each++) await end(started.at(-1)?.key ?? '');
    expect(started.filter(({ key }) => key.startsWith('live'))).toHaveLength(4);
  });

  it('takes turns between the groups', async () => {
    const { queue, started, end } = harness(1);
    queue.add(job('first', 0));
    for (let each = 0; each < 9; each++) queue.add(job(`busy-${each}`, each, 'busy'));
    queue.add(job('quiet', 0, 'quiet'));
    await end('first');
    // A batch holds four.
    for (let each = 0; each < 4; each++) await end(`busy-${each}`);
    expect(started.at(-1)?.key).toBe('quiet');
  });

  it('finishes the work in flight when it stops, and starts no more', async () => {
    const { queue, started, end } = harness(1);
    queue.add(job('x', 0));
    queue.add(job('y', 0));
    const stopped = queue.stop();
    await end('x');
    await stopped;
    expect(started.map(({ key }) => key)).toEqual(['x']);
  });

  it.each<Result<Job>>([
    { kind: 'again' },
    { kind: 'done', next: { afterMs: 600_000, item: { key: 'x', version: 1 } } },
  ])('leaves no timer behind after it stops, since a timer would keep the process alive: %o', async (result) => {
    const { clock, queue, end } = harness();
    queue.add(job('x', 0));
    const stopped = queue.stop();
    await end('x', result);
    await stopped;
    queue.add(job('y', 0));
    expect([clock.isEmpty, queue.size]).toEqual([true, 0]);
  });

  it('handles a wait of thirty days, which is longer than one Node timer can last', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    let turns = 0;
    const queue = new WorkQueue<number>({
      parallel: 1,
      handle: async () => {
        turns++;
        return { kind: 'done', next: { afterMs: 30 * 86_400_000, item: 1 } };
      },
    });
    queue.add({ key: 'x', group: 'a', lane: 'fast', item: 0 });
    // A timer that overflows fires after 1 ms.
    await vi.advanceTimersByTimeAsync(1_000);
    expect(turns).toBe(1);
    await queue.stop();
  });
});

describe('The reported waiting time of an item', () => {
  it('runs from its addition until it is handled, also behind an item of the same key', async () => {
    const { clock, queue, waitedMs, end } = harness(1);
    queue.add(job('x', 1));
    queue.add(job('x', 2));
    queue.add(job('y', 1));
    clock.pass(30);
    await end('x');
    clock.pass(12);
    await end('y');
    expect(waitedMs).toEqual([0, 30, 42]);
  });

  it('runs from the oldest change that newer ones replaced', async () => {
    const { clock, queue, waitedMs, end } = harness(1);
    queue.add(job('x', 1));
    queue.add(job('y', 1));
    clock.pass(30);
    queue.add(job('y', 2));
    clock.pass(5);
    await end('x');
    expect(waitedMs).toEqual([0, 35]);
  });

  it.each<[string, Result<Job>, number]>([
    ['a backoff', { kind: 'again' }, 60_000],
    ['a wait that the sink asked for', { kind: 'again', retryAfterSeconds: 5 }, 60_000],
    ['a requeue', { kind: 'done', next: { afterMs: 5000, item: { key: 'x', version: 2 } } }, 5000],
  ])('does not count %s', async (_, result, passes) => {
    const { clock, queue, waitedMs, end } = harness(1);
    queue.add(job('x', 1));
    await end('x', result);
    clock.pass(passes);
    expect(waitedMs).toEqual([0, 0]);
  });

  it('counts after a backoff that a newer item ended', async () => {
    const { clock, queue, waitedMs, end } = harness(1);
    queue.add(job('x', 1));
    await end('x', { kind: 'again' });
    queue.add(job('y', 1));
    clock.pass(10);
    queue.add(job('x', 2));
    clock.pass(7);
    await end('y');
    expect(waitedMs).toEqual([0, 0, 7]);
  });
});
