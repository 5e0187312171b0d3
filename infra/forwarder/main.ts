// The forwarder's entry point: it wires the parts together. forward.ts runs one term of leadership.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { withEntra } from '../../functions/cluster/credentials/entra.ts';
import { connect } from '../../functions/cluster/transport.ts';
import { Troubles } from '../../functions/cluster/troubles.ts';
import { onceAskedToStop } from '../../functions/stopping.ts';
import { endSoon } from '../../functions/telemetry/ending.ts';
import { surviveRejections } from '../../functions/telemetry/last-resort.ts';
import { logOf } from '../../functions/telemetry/log.ts';
import { Thinned } from '../../functions/telemetry/thinned.ts';
import { configFrom, USAGE, UsageError, type Config } from './config.ts';
import { forward, type Forwarder, type Term } from './forward.ts';
import { Health } from './telemetry/health.ts';
import { lead } from './lease.ts';
import { Metrics } from './telemetry/metrics.ts';
import { serve } from './telemetry/serve.ts';
import { sinkFrom } from './sink/sinks.ts';
import { tracingFrom } from './telemetry/traces.ts';

async function main(config: Config): Promise<void> {
  const stopping = new AbortController();
  const log = logOf(config.logLevel);
  surviveRejections(log);
  let term: Term | undefined;
  /** Absent until the forwarder watches. It has begun nothing before. */
  let stop: (() => void) | undefined;
  onceAskedToStop(() => {
    log.info({ pending: term?.pending() }, 'Stopping');
    if (stop === undefined) process.exit();
    stop();
  });
  const troubles = new Troubles(log);
  const thinned = new Thinned(log);
  const { kubeconfig, context } = config;
  const transport = await connect({ kubeconfig, context, adapt: withEntra }, troubles);
  const health = new Health();
  let leading: AbortSignal | undefined;
  const metrics = new Metrics({
    health,
    pending: () => term?.pending(),
    known: () => term?.known() ?? new Map(),
    // A term that is ending still finishes its deliveries, and another replica may lead by then.
    isLeader: () => leading?.aborted === false,
  });
  const sink = await sinkFrom(config.sink, config.parallel, troubles);
  const tracing = await tracingFrom(config.traces, log);
  const { server, url } = await serve(
    { health, metrics, troubles, namespaces: config.namespaces },
    config.host,
    config.port,
  );
  log.info({ url, cluster: transport.server, sink: shownSink(config) }, 'Listening');

  stop = () => stopping.abort();
  const forwarder: Forwarder = { config, transport, sink, log, health, metrics, tracing, thinned };
  await whileLeading(forwarder, stopping.signal, async (signal) => {
    leading = signal;
    term = forward(forwarder, signal);
    await term.ended;
    term = undefined;
  });
  thinned.reportRest();
  server.close();
  server.closeAllConnections();
  await Promise.all([sink.close(), transport.close(), tracing.close()]);
  endSoon();
}

/** The path and query of an http URL may hold a secret. */
const shownSink = ({ sink: { kind, url } }: Config): string => (kind === 'file' ? url.href : url.origin);

/** Runs `work` once for each term. With a Lease, a process can have any number of terms. Without a Lease, it has exactly one. */
async function whileLeading(
  { config, transport, log, health }: Forwarder,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  if (config.lease === undefined) return work(signal);
  let lastReason = '';
  const standBy = (why: string) => {
    health.standBy(why);
    if (why !== lastReason) log.info({ why }, 'Standing by');
    lastReason = why;
  };
  standBy('standing by');
  const identity = `${hostname()}_${randomUUID()}`;
  await lead({ ...config.lease, transport, identity, onStandby: standBy }, signal, async (leading) => {
    log.info({ ...config.lease, identity }, 'Leading');
    lastReason = '';
    await work(leading);
  });
}

try {
  const config = configFrom(process.argv.slice(2), process.env);
  if (config === 'help') process.stdout.write(USAGE);
  else await main(config);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
