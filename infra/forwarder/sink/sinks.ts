import type { Troubles } from '../../../functions/cluster/troubles.ts';
import type { SinkConfig } from './config.ts';
import type { Sink } from './sink.ts';

/** The sink that the operator named. What only some sinks need is loaded only for them: it is large. */
export async function sinkFrom(config: SinkConfig, parallel: number, troubles: Troubles): Promise<Sink> {
  if (config.kind === 'storage-queue') return (await import('./storage-queue.ts')).storageQueueSink(config);
  return (await import('./http.ts')).httpSink(config, parallel, troubles);
}
