import { expect, it } from 'vitest';
import { Breaker } from '../../../infra/forwarder/queue/breaker.ts';

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
  expect(breaker.size).toBeLessThan(5);
});
