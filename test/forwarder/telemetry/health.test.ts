import { expect, it } from 'vitest';
import { Health } from '../../../infra/forwarder/telemetry/health.ts';

function harness() {
  let now = 0;
  const health = new Health(() => now);
  health.begin(['websites', 'services']);
  const pass = (ms: number) => void (now += ms);
  const list = (name: string) => {
    health.progressed(name);
    health.entered(name, { name: 'watching', resourceVersion: '1', emptyCloses: 0 });
    health.progressed(name);
  };
  return { health, pass, list };
}
const waiting = {
  name: 'waiting',
  delayMs: 30_000,
  why: 'HTTP 403',
  next: { name: 'listing', reason: 'start' },
} as const;

it('The forwarder is ready once every resource is listed', () => {
  const { health, list } = harness();
  list('websites');
  expect(health.problems()).toEqual(['services: not listed yet']);
  list('services');
  expect(health.problems()).toEqual([]);
});

it('A failing watch stays in trouble between its tries, until the API server sends something again', () => {
  const { health, list } = harness();
  list('websites');
  list('services');
  health.entered('websites', waiting);
  expect(health.problems()).toEqual(['websites: HTTP 403']);
  health.entered('websites', { name: 'watching', resourceVersion: '1', emptyCloses: 0 });
  expect(health.problems()).toEqual(['websites: HTTP 403']);
  expect(health.watches()[0]).toMatchObject({ isConnected: false });
  health.progressed('websites');
  expect(health.problems()).toEqual([]);
  expect(health.watches()[0]).toMatchObject({ isConnected: true });
});

it('A watch loop without progress for longer than its longest wait is reported as stuck', () => {
  const { health, pass, list } = harness();
  list('websites');
  list('services');
  pass(170_000);
  health.progressed('services');
  expect(health.stuck()).toEqual([]);
  pass(20_000);
  expect(health.stuck()).toEqual(['websites: the watch loop is stuck']);
});

it('A long wait that the API server asked for does not count as stuck', () => {
  const { health, pass } = harness();
  for (const name of ['websites', 'services']) health.entered(name, { ...waiting, delayMs: 3_600_000 });
  pass(3_700_000);
  expect(health.stuck()).toEqual([]);
  pass(100_000);
  expect(health.stuck()).toHaveLength(2);
});

it('A standby is ready and alive, and says who leads', () => {
  const { health, pass } = harness();
  health.standBy('standing by: a is leading');
  pass(1_000_000);
  expect([health.problems(), health.stuck(), health.standby]).toEqual([[], [], 'standing by: a is leading']);
});

it('A watch whose API the cluster lacks is ready and alive, but not connected', () => {
  const { health, pass, list } = harness();
  list('websites');
  const look = () => {
    health.entered('services', { name: 'listing', reason: 'absent' });
    health.entered('services', { name: 'absent', delayMs: 45_000 });
  };
  look();
  expect(health.problems()).toEqual([]);
  expect(health.watches()[1]).toMatchObject({ isAbsent: true, isConnected: false, progressAgeSeconds: 0 });
  for (let minutes = 0; minutes < 10; minutes++) {
    pass(60_000);
    look();
    health.progressed('websites');
    expect([health.problems(), health.stuck()]).toEqual([[], []]);
  }
  health.entered('services', { name: 'listing', reason: 'absent' });
  expect(health.watches()[1]?.isAbsent).toBe(true);
  list('services');
  expect(health.watches()[1]).toMatchObject({ isAbsent: false, isConnected: true });
});

it('A watch that fails after its API was absent is not ready', () => {
  const { health, list } = harness();
  list('websites');
  health.entered('services', { name: 'absent', delayMs: 45_000 });
  health.entered('services', waiting);
  expect(health.problems()).toEqual(['services: HTTP 403']);
  expect(health.watches()[1]?.isAbsent).toBe(false);
});
