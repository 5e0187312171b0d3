// docs/adr/0010-patience.md says which part waits for which, and how long. Each waits longer than the other part may take.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CALL_MS, EVENT_MS, RESYNC_MS, SLOW_MS } from '../functions/cluster/patience.ts';
import { configFrom } from '../infra/forwarder/config.ts';
import { RESYNC_TIMEOUT_MS } from '../infra/forwarder/handle.ts';

const text = (path: string): string => readFileSync(path, 'utf8');
const numberMs = (path: string, name: string): number =>
  Number(new RegExp(`^const ${name} = ([\\d_]+);`, 'm').exec(text(path))?.[1]?.replaceAll('_', '') ?? NaN);
const numberIn = (path: string, pattern: RegExp): number => Number(pattern.exec(text(path))?.[1] ?? NaN);

/** Source: kube-apiserver's --request-timeout. */
const API_SERVER_MS = 60_000;
/** Source: Azure Functions' limits, HTTP responses behind its load balancer. */
const AZURE_FRONT_END_MS = 230_000;
const EVENT_LONGEST = EVENT_MS + CALL_MS;
const RESYNC_LONGEST = RESYNC_MS + CALL_MS;

const forwarder = configFrom([], { SINK: 'https://sink.example.com/' });
const deliveryMs = forwarder === 'help' ? NaN : forwarder.timeoutMs;
const azure = JSON.parse(text('host.json')) as { functionTimeout: string };
const functionSeconds = azure.functionTimeout.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
const knativeMs = numberIn('infra/knative/base/service.yaml', /timeoutSeconds: (\d+)/) * 1000;
/** Kubernetes' default, and what our manifests say. */
const graceMs = (program: string): number =>
  numberIn(`infra/kubernetes/${program}/deployment.yaml`, /terminationGracePeriodSeconds: (\d+)/) * 1000;
const functionsGraceMs = Math.min(30_000, graceMs('functions'));
const stopMs = numberMs('functions/node.ts', 'STOP_MS');
const forwarderStopMs =
  numberMs('infra/forwarder/forward.ts', 'DRAIN_MS') +
  numberMs('functions/telemetry/ending.ts', 'PATIENCE_MS') +
  numberMs('functions/telemetry/ending.ts', 'LAST_MS');
const historyMs = numberMs('functions/history/history.ts', 'CLOSE_MS');
/** Source: azure-functions-host, WorkerTerminateGracePeriodInSeconds. */
const AZURE_STOP_MS = 5_000;
const brokerMs = numberIn('infra/knative/events/broker.yaml', /timeout: PT(\d+)S/) * 1000;

it.each([
  ['a call', CALL_MS, 'the API server takes for a request', API_SERVER_MS],
  ['an event', EVENT_MS, 'three calls of an API server that is nearly overloaded take', 3 * SLOW_MS],
  ['a delivery of the forwarder', deliveryMs, 'the functions work on one event', EVENT_LONGEST],
  ['a delivery of a Broker', brokerMs, 'the functions work on one event', EVENT_LONGEST],
  ["a Knative Service's request", knativeMs, 'the functions work on a resync', RESYNC_LONGEST],
  ["the forwarder's request for a resync", RESYNC_TIMEOUT_MS, 'the functions work on a resync', RESYNC_LONGEST],
  ["Azure's front end", AZURE_FRONT_END_MS, 'the functions work on a resync', RESYNC_LONGEST],
  ['Kubernetes', functionsGraceMs, "the functions' Node host takes to stop", stopMs],
  [
    "the Node host's stop",
    stopMs,
    'its work and the history take',
    numberMs('functions/node.ts', 'DRAIN_MS') + historyMs,
  ],
  ["Azure's host", AZURE_STOP_MS, 'work and history take', numberMs('functions/azure.ts', 'DRAIN_MS') + historyMs],
  ['Kubernetes', graceMs('forwarder'), 'the forwarder takes to stop', forwarderStopMs],
  ["Azure's functionTimeout", functionSeconds * 1000, 'the functions work on a resync', RESYNC_LONGEST],
])('The limit of %s, %d ms, is longer than %s, %d ms', (_, waits, _for, takes) => {
  expect(waits).toBeGreaterThan(takes);
});
