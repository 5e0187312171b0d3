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
const turns = (count: number) => Promise.all(Array.from({ length: count }, () => concurrency.turn(soon())));
/** Asks for turns, and collects those that were granted or refused. */
function queue(count: number, startBy = soon()) {
  const come: Turn[] = [];
  const gone: unknown[] = [];
  for (let each = 0; each < count; each++)
    concurrency.turn(startBy).then(
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
    for (let round = 0; round < 600; round++) (await concurrency.turn(soon())).end('failed');
    expect(concurrency.limit).toBe(MOST_AT_ONCE / 2);
    for (let round = 0; round < 600; round++) (await concurrency.turn(soon())).end('written');
    expect(concurrency.limit).toBe(MOST_AT_ONCE);
  });

  it('is never below 1, and recovers when answers come in time again', async () => {
    for (let round = 0; round < 10; round++) (await concurrency.turn(soon())).end('late');
    expect(concurrency.limit).toBe(1);
    for (let round = 0; round < 600; round++) (await concurrency.turn(soon())).end('read');
    expect(concurrency.limit).toBe(MOST_AT_ONCE);
  });
});

describe('A waiting call', () => {
  it('gets its turn before a call with a later deadline', async () => {
    const [first] = await turns(MOST_AT_ONCE);
    const later = queue(1, performance.now() + 2_000);
    const earlier = queue(1, performance.now() + 1_000);
    first?.end('read');
    await settled();
    expect([earlier.come.length, later.come.length]).toEqual([1, 0]);
  });

  it('is given up at its deadline, and leaves the turn to another call', async () => {
    const [first] = await turns(MOST_AT_ONCE);
    const late = queue(1, performance.now() + 1_000);
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
    const turn = concurrency.turn(soon(), caller.signal);
    caller.abort(new Error('enough'));
    await expect(turn).rejects.toThrow('enough');
  });

  it('without time left is not started', async () => {
    await expect(concurrency.turn(performance.now())).rejects.toThrow(NoTurnError);
  });
});

it('The calls at once never exceed the limit, and each call gets its turn, however the others end', async () => {
  const step = fc.record({ ask: fc.boolean(), late: fc.boolean(), which: fc.nat() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
      concurrency = new Concurrency();
      const running: Turn[] = [];
      let asked = 0;
      for (const { ask, late, which } of steps) {
        const most = Math.max(running.length, concurrency.limit);
        if (ask) {
          asked++;
          void concurrency.turn(soon()).then((turn) => running.push(turn));
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
