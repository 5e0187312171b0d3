import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Concurrency, MOST_AT_ONCE, NoTurnError, type Turn } from '../../functions/cluster/concurrency.ts';
import { loadShownBy } from '../../functions/cluster/transport.ts';
import { SLOW_MS } from '../../functions/cluster/patience.ts';
import { sampled } from '../sampling.ts';

let concurrency: Concurrency;
beforeEach(() => {
  vi.useFakeTimers();
  concurrency = new Concurrency();
});
afterEach(() => void vi.useRealTimers());

const soon = () => performance.now() + 1_000_000;
const turns = (count: number) =>
  Promise.all(Array.from({ length: count }, () => concurrency.turn({ startBy: soon() })));
/** Asks for turns, and collects those that were granted or refused. */
function queue(count: number, { startBy = soon(), group }: { startBy?: number; group?: string } = {}) {
  const come: Turn[] = [];
  const gone: unknown[] = [];
  for (let each = 0; each < count; each++)
    concurrency.turn({ startBy, group }).then(
      (turn) => come.push(turn),
      (error: unknown) => gone.push(error),
    );
  return { come, gone };
}
const settled = () => vi.advanceTimersByTimeAsync(0);

it.each([
  ['GET', 200, '', 'read'],
  ['PUT', 200, '', 'written'],
  ['POST', 409, '', 'written'],
  ['GET', 429, '', 'late'],
  ['PUT', 429, 'admission webhook "policy" denied the request: not now', 'written'],
  ['PUT', 504, 'Timeout', 'late'],
  ['GET', 504, 'Too large resource version: 9, current: 1', 'read'],
  ['PUT', 500, 'failed calling webhook "policy": context deadline exceeded', 'failed'],
] as const)('An answer to %s of %s (%s) counts as %s', (method, status, text, load) => {
  expect(loadShownBy({ method }, { status, text })).toBe(load);
});

describe('The limit of calls at once', () => {
  it('is MOST_AT_ONCE for a healthy API server, and the next call waits until one ends', async () => {
    const first = await turns(MOST_AT_ONCE);
    const { come } = queue(2);
    await settled();
    expect(come).toHaveLength(0);
    first[0]?.end('read');
    await settled();
    expect(come).toHaveLength(1);
  });

  it('is halved once for all late answers of a round', async () => {
    const round = await turns(MOST_AT_ONCE);
    for (const turn of round) turn.end('late');
    expect(concurrency.limit).toBe(MOST_AT_ONCE / 2);
    for (const turn of await turns(MOST_AT_ONCE / 2)) turn.end('late');
    expect(concurrency.limit).toBe(MOST_AT_ONCE / 4);
  });

  it('is halved by a slow answer, before answers stop coming at all', async () => {
    const [turn] = await turns(1);
    vi.advanceTimersByTime(SLOW_MS + 1);
    turn?.end('read');
    expect(concurrency.limit).toBe(MOST_AT_ONCE / 2);
  });

  // A webhook with `failurePolicy: Ignore` only makes a write slow. With `Fail`, the write fails.
  it.each(['written', 'failed'] as const)(
    'stays as it is when webhooks hang, so that other calls are not held up (%s)',
    async (how) => {
      (await turns(1))[0]?.end('late');
      const round = await turns(MOST_AT_ONCE / 2);
      vi.advanceTimersByTime(SLOW_MS + 1);
      for (const turn of round) turn.end(how);
      expect(concurrency.limit).toBe(MOST_AT_ONCE / 2);
    },
  );

  it('recovers by writes as by reads, and not by failures', async () => {
    (await turns(1))[0]?.end('late');
    for (let round = 0; round < 600; round++) (await concurrency.turn({ startBy: soon() })).end('failed');
    expect(concurrency.limit).toBe(MOST_AT_ONCE / 2);
    for (let round = 0; round < 600; round++) (await concurrency.turn({ startBy: soon() })).end('written');
    expect(concurrency.limit).toBe(MOST_AT_ONCE);
  });

  it('is never below 1, and recovers when answers come in time again', async () => {
    for (let round = 0; round < 10; round++) (await concurrency.turn({ startBy: soon() })).end('late');
    expect(concurrency.limit).toBe(1);
    for (let round = 0; round < 600; round++) (await concurrency.turn({ startBy: soon() })).end('read');
    expect(concurrency.limit).toBe(MOST_AT_ONCE);
  });
});

describe('A waiting call', () => {
  it('gets its turn before a call with a later deadline', async () => {
    const [first] = await turns(MOST_AT_ONCE);
    const later = queue(1, { startBy: performance.now() + 2_000 });
    const earlier = queue(1, { startBy: performance.now() + 1_000 });
    first?.end('read');
    await settled();
    expect([earlier.come.length, later.come.length]).toEqual([1, 0]);
  });

  it('is given up at its deadline, and leaves the turn to another call', async () => {
    const [first] = await turns(MOST_AT_ONCE);
    const late = queue(1, { startBy: performance.now() + 1_000 });
    const patient = queue(1);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(late.gone).toEqual([expect.any(NoTurnError)]);
    first?.end('read');
    await settled();
    expect(patient.come).toHaveLength(1);
  });

  it('is given up when its caller gives up', async () => {
    await turns(MOST_AT_ONCE);
    const caller = new AbortController();
    const turn = concurrency.turn({ startBy: soon(), signal: caller.signal });
    caller.abort(new Error('enough'));
    await expect(turn).rejects.toThrow('enough');
  });

  it('without time left is not started', async () => {
    await expect(concurrency.turn({ startBy: performance.now() })).rejects.toThrow(NoTurnError);
  });
});

describe('P7: Writes to one namespace', () => {
  it('hold at most three quarters of the limit, so that a webhook that hangs for them delays no others', async () => {
    const broken = queue(40, { group: 'broken' });
    await settled();
    expect(broken.come).toHaveLength(24);
    const [healthy, reads] = [queue(5, { group: 'healthy' }), queue(10)];
    await settled();
    expect([healthy.come.length, reads.come.length]).toEqual([5, 3]);
  });

  it('hold their share of a lowered limit, and never less than one turn', async () => {
    for (const [limit, most] of [
      [16, 12],
      [8, 6],
      [4, 3],
      [2, 2],
      [1, 1],
    ]) {
      (await turns(1))[0]?.end('late');
      expect(concurrency.limit).toBe(limit);
      const { come } = queue(20, { group: 'broken' });
      await settled();
      expect(come).toHaveLength(most ?? 0);
      // What still waits gets its turn as soon as one ends.
      for (let turn = come.shift(); turn !== undefined; turn = come.shift()) {
        turn.end('failed');
        await settled();
      }
    }
  });

  it('that wait for their share do not delay writes behind them', async () => {
    const broken = queue(30, { group: 'broken', startBy: performance.now() + 1_000 });
    const reads = queue(8);
    const behind = queue(2, { group: 'healthy', startBy: performance.now() + 2_000 });
    await settled();
    for (const turn of reads.come.slice(0, 2)) turn.end('read');
    await settled();
    expect([broken.come.length, behind.come.length]).toEqual([24, 2]);
    broken.come[0]?.end('failed');
    await settled();
    expect(broken.come).toHaveLength(25);
  });
});

it('The calls at once never exceed the limit, and each call gets its turn, however the others end', async () => {
  const group = fc.constantFrom(undefined, 'a', 'b');
  const step = fc.record({ ask: fc.boolean(), late: fc.boolean(), which: fc.nat(), group });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
      concurrency = new Concurrency();
      const running: Turn[] = [];
      let asked = 0;
      for (const { ask, late, which, group: of } of steps) {
        const most = Math.max(running.length, concurrency.limit);
        if (ask) {
          asked++;
          void concurrency.turn({ startBy: soon(), group: of }).then((turn) => running.push(turn));
        } else {
          const [turn] = running.splice(which % Math.max(running.length, 1), 1);
          if (turn !== undefined) asked--;
          turn?.end(late ? 'late' : 'read');
        }
        await settled();
        expect(running.length).toBeLessThanOrEqual(Math.max(most, concurrency.limit));
      }
      while (running.length > 0) {
        running.pop()?.end('read');
        asked--;
        await settled();
      }
      expect(asked).toBe(0);
    }),
    sampled({ sometimes: 50, often: 500 }),
  );
});
