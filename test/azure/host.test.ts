// The numbers of host.json fit together, as docs/deploy/azure.md says.
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

it('host.json lets an instance do at most as much at once as it has connections to the API server', () => {
  expect(http.maxConcurrentRequests).toBeLessThanOrEqual(MOST_AT_ONCE);
  expect(queues.batchSize + queues.newBatchThreshold).toBeLessThanOrEqual(MOST_AT_ONCE);
  expect(http.maxOutstandingRequests).toBeGreaterThan(http.maxConcurrentRequests);
});

it('host.json lets a message be tried for at least one resync interval before it counts as poison', () => {
  const everyMinutes = numberIn('infra/azure/main.bicep', /resyncSchedule string = '0 \*\/(\d+) /);
  expect(seconds(queues.visibilityTimeout) * queues.maxDequeueCount).toBeGreaterThanOrEqual(everyMinutes * 60);
});

it('host.json lets a resync finish within its time limit', () => {
  expect(seconds(host.functionTimeout) * 1000).toBeGreaterThan(RESYNC_MS + CALL_MS);
});
