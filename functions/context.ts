import type { Logger } from 'pino';
import { callersFrom, type Callers } from './callers.ts';
import { kubernetes } from './cluster/kubernetes.ts';
import { connect } from './cluster/transport.ts';
import type { Config } from './config.ts';
import type { ResyncPlace } from './resync-websites.ts';
import type { Context } from './website/reconcile.ts';

/** Where the summary lines go: a pino logger, or what a host offers instead. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

/** What both functions are given by every host. */
export interface FunctionContext extends Context {
  readonly log: Log;
  readonly config: Pick<Config, 'clusterName' | 'namespaces' | 'replyEvents' | 'webhookAllowedOrigins'>;
  readonly resyncPlace: ResyncPlace;
}

/** All that a host needs. */
export type Connected = FunctionContext & { readonly callers: Callers; close(): Promise<void> };

/** Connects to the cluster of the configuration. @throws ClusterError when the kubeconfig names none. */
export async function contextFrom(config: Config, log: Log): Promise<Connected> {
  const transport = await connect(config.address);
  return {
    cluster: kubernetes(transport, config.namespaces),
    now: () => new Date(),
    log,
    config,
    resyncPlace: { last: undefined },
    callers: callersFrom(config, transport, log),
    close: () => transport.close(),
  };
}
