import { performance } from 'node:perf_hooks';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Health } from '../../../infra/forwarder/telemetry/health.ts';
import { Metrics } from '../../../infra/forwarder/telemetry/metrics.ts';

function metrics(): Metrics {
  const sources = { pending: () => undefined, known: () => new Map(), isLeader: () => false };
  return new Metrics({ health: new Health(() => performance.now()), ...sources });
}

it('No metric wakes an idle forwarder more than once in five seconds', () => {
  const intervals = vi.spyOn(globalThis, 'setInterval');
  onTestFinished(() => intervals.mockRestore());
  metrics();
  const delays = intervals.mock.calls.map(([, ms]) => ms ?? 0);
  expect(delays).not.toEqual([]);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(5_000);
});

it("Node's own metrics are there beside ours", async () => {
  const text = await metrics().registry.metrics();
  for (const name of ['process_cpu_seconds_total', 'nodejs_heap_size_used_bytes', 'website_forwarder_leader'])
    expect(text).toMatch(new RegExp(`^${name} `, 'm'));
});
