import type { Config } from '../config.ts';
import { endTelemetry } from './ending.ts';
import type { Log } from './log.ts';
import type { ClosableTracing } from './tracing.ts';

/** Sends spans to the configured collector. Without one, it does not load the SDK. */
export async function tracingFrom(
  { traces, clusterName }: Pick<Config, 'traces' | 'clusterName'>,
  log: Pick<Log, 'warn'>,
): Promise<ClosableTracing | undefined> {
  if (traces === undefined) return undefined;
  const { exportSpans } = await import('./otlp-spans.ts');
  const { tracing, end } = exportSpans(traces, clusterName === undefined ? {} : { 'k8s.cluster.name': clusterName });
  return { ...tracing, close: () => endTelemetry('traces', end, log) };
}
