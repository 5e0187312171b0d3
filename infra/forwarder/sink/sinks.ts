import type { Troubles } from '../../../functions/cluster/troubles.ts';
import type { SinkConfig } from './config.ts';
import type { Sink } from './sink.ts';

/** Creates the configured sink. Imports only its module, because the libraries of the others use much memory. */
export async function sinkFrom(config: SinkConfig, parallel: number, troubles: Troubles): Promise<Sink> {
  if (config.kind === 'storage-queue') return (await import('./storage-queue.ts')).storageQueueSink(config);
  if (config.kind === 'file') return (await import('./file.ts')).fileSink(config);
  return (await import('./http.ts')).httpSink(config, parallel, troubles);
}
