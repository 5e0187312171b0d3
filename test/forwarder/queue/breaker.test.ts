import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bucket } from '../../../functions/bucket.ts';
import { Breaker } from '../../../infra/forwarder/queue/breaker.ts';
import { sampled } from '../../sampling.ts';

const RATE = { burst: 3, perSecond: 2 };

it('The breaker allows a burst, and then limits the rate', () => {
  const breaker = new Breaker(RATE);
  for (let turn = 0; turn < RATE.burst; turn++) {
    expect(breaker.waitMs('x', 0)).toBe(0);
    breaker.spend('x', 0);
  }
  expect(breaker.waitMs('x', 0)).toBe(500);
  // Asking does not extend the wait.
  expect(breaker.waitMs('x', 400)).toBe(100);
  expect(breaker.waitMs('x', 500)).toBe(0);
  expect(breaker.waitMs('y', 0)).toBe(0);
});

it('P8: the breaker forgets a quiet key while another stays busy', () => {
  const breaker = new Breaker(RATE);
  for (let second = 0; second < 1_000; second++) {
    breaker.spend('hot', second * 1_000);
    breaker.spend(`once-${second}`, second * 1_000);
  }
  expect(breaker.size).toBeLessThan(10);
});

it('The breaker forgets only keys that would not have to wait', () => {
  const wait = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_000 }));
  const step = fc.record({ key: fc.constantFrom('x', 'y'), afterMs: wait });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
      const breaker = new Breaker(RATE);
      const buckets = new Map<string, Bucket>();
      let now = 0;
      for (const { key, afterMs } of steps) {
        now += afterMs;
        const bucket = buckets.get(key) ?? new Bucket(RATE);
        expect(breaker.waitMs(key, now)).toBe(bucket.waitMs(now));
        // The queue handles no key that has to wait.
        if (bucket.waitMs(now) > 0) continue;
        bucket.spend(now);
        buckets.set(key, bucket);
        breaker.spend(key, now);
      }
    }),
    sampled({ sometimes: 300, often: 3_000 }),
  );
});
