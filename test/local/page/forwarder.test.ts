import { afterEach, expect, it } from 'vitest';
import { Troubles } from '../../../functions/cluster/troubles.ts';
import { Health } from '../../../infra/forwarder/telemetry/health.ts';
import { Metrics } from '../../../infra/forwarder/telemetry/metrics.ts';
import { serve } from '../../../infra/forwarder/telemetry/serve.ts';
import { forwarderAt } from '../../../infra/local/page/forwarder.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function aForwarder() {
  const health = new Health();
  const metrics = new Metrics({
    health,
    pending: () => ({ queued: 3, delayed: 2, looks: 7, atWork: 1, oldestAgeMs: 4_400 }),
    known: () => new Map([['websites', 9]]),
    isLeader: () => true,
  });
  const { server, url } = await serve(
    { health, metrics, troubles: new Troubles(), namespaces: undefined },
    '127.0.0.1',
    0,
  );
  closing.push(() => server.close().closeAllConnections());
  return { health, metrics, server, url };
}

it('The page reads the state of the forwarder from its endpoints', async () => {
  const { health, metrics, url } = await aForwarder();
  health.begin(['websites', 'deployments']);
  health.entered('websites', { name: 'watching', resourceVersion: '1', emptyCloses: 0 });
  health.entered('deployments', {
    name: 'waiting',
    delayMs: 1,
    why: 'away',
    next: { name: 'listing', reason: 'start' },
  });
  metrics.events.inc({ type: 'changed', result: 'accepted' }, 5);
  metrics.events.inc({ type: 'deleted', result: 'accepted' }, 2);
  metrics.events.inc({ type: 'changed', result: 'failed' });
  for (const seconds of [0.004, 0.02, 0.02, 7]) metrics.duration.observe({ result: 'accepted' }, seconds);
  expect(await forwarderAt(url)).toEqual({
    state: 'not ready',
    problems: ['deployments: away'],
    queue: { queued: 3, delayed: 9, atWork: 1, oldestSeconds: 4 },
    watches: [
      { resource: 'websites', isConnected: true, objects: 9 },
      { resource: 'deployments', isConnected: false, objects: 0 },
    ],
    deliveries: { accepted: 7, rejected: 0, failed: 1, medianMs: 25 },
  });
});

it('A forwarder without deliveries has no median', async () => {
  const { health, url } = await aForwarder();
  health.begin([]);
  expect(await forwarderAt(url)).toMatchObject({ state: 'ready', problems: [], deliveries: { medianMs: undefined } });
});

it('A forwarder that does not answer is shown as away, without an error', async () => {
  const { server, url } = await aForwarder();
  await new Promise((resolve) => server.close(resolve));
  expect(await forwarderAt(url)).toMatchObject({
    state: 'away',
    problems: [expect.stringContaining('ECONNREFUSED')],
    watches: [],
  });
});
