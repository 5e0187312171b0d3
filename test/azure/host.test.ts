// The numbers of host.json hang together, as docs/deploy/azure.md says.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MOST_AT_ONCE } from '../../functions/cluster/concurrency.ts';
import { CALL_MS, RESYNC_MS } from '../../functions/cluster/patience.ts';

const host = JSON.parse(readFileSync('host.json', 'utf8')) as {
  functionTimeout: string;
  extensions: {
    http: { maxConcurrentRequests: number; maxOutstandingRequests: number };
    queues: {
      batchSize: number;
      newBatchThreshold: number;
      maxDequeueCount: number;
      visibilityTimeout: string;
      messageEncoding: string;
    };
  };
};
const { http, queues } = host.extensions;
const source = (path: string) => readFileSync(path, 'utf8');
const numberIn = (path: string, pattern: RegExp): number =>
  Number(pattern.exec(source(path))?.[1]?.replaceAll('_', ''));

function seconds(duration: string): number {
  const [hours = 0, minutes = 0, rest = 0] = duration.split(':').map(Number);
  return (hours * 60 + minutes) * 60 + rest;
}

it('has no more at work in an instance than there are connections to the API server', () => {
  expect(http.maxConcurrentRequests).toBeLessThanOrEqual(MOST_AT_ONCE);
  expect(queues.batchSize + queues.newBatchThreshold).toBeLessThanOrEqual(MOST_AT_ONCE);
  expect(http.maxOutstandingRequests).toBeGreaterThan(http.maxConcurrentRequests);
});

it('tries a message for as long as a resync takes to come round, before it is poison', () => {
  const everyMinutes = numberIn('infra/azure/main.bicep', /resyncSchedule string = '0 \*\/(\d+) /);
  expect(seconds(queues.visibilityTimeout) * queues.maxDequeueCount).toBeGreaterThanOrEqual(everyMinutes * 60);
});

it('lets a resync come to its own end, and an event to its answer', () => {
  expect(seconds(host.functionTimeout) * 1000).toBeGreaterThan(RESYNC_MS + CALL_MS);
});
