// Who is measured: the forwarder and the functions as they are deployed, and programs that do the job another way.
import { once } from 'node:events';
import { API_VERSION, PLURAL } from '../../functions/website/resource.ts';
import { untilServed } from '../../infra/local/programs/install.ts';
import { imageIn } from '../image.ts';
import { pidOf, startCommand, startProgram, type Program } from '../program.ts';
import { startOtlpCollector, type OtlpCollector } from '../otlp-collector.ts';
import { histogramsIn, histogramsOf, type Histograms } from './histograms.ts';
import { ask, type BenchCluster } from './measure.ts';
import type { Rival } from './rivals.ts';
import type { Logs } from './stages.ts';

/** A subject at work. */
export interface Running {
  /** Its processes, by name. */
  readonly pids: Readonly<Record<string, number>>;
  /** Where it can be asked to look at everything. */
  readonly resync?: URL;
  /** What it says of itself. */
  readonly inside?: Inside;
  /** Rejects when one of its programs ends by itself; never resolves. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
}

/** What the forwarder and the functions say of themselves. */
export interface Inside {
  readonly logs: Logs;
  /** So far. Those of the functions are as old as their last message. */
  histograms(): Promise<Histograms>;
}

export interface Subject {
  readonly name: string;
  /** Starts it; it works, or is about to. */
  start(cluster: BenchCluster): Promise<Running>;
}

const WORKERS = new URL('workers.ts', import.meta.url).pathname;

/** How the forwarder and the functions are started. */
export interface Setup {
  /** Processes of the functions. */
  readonly processes: number;
  /** Forwarders, each of which delivers the changes of its share of the namespaces. */
  readonly shards: number;
  /** How often the functions send metrics. Without it, they send none, and load nothing for it. */
  readonly exportMs?: number | undefined;
}

/** The forwarder and the functions, each with the rights that it ships with. */
export function ours(name: string, { processes, shards, exportMs }: Setup): Subject {
  return {
    name,
    async start({ kubeconfigs }) {
      const collector = await startOtlpCollector();
      const functions = startWorkers(processes, {
        KUBECONFIG: kubeconfigs['website-functions'],
        ...(exportMs === undefined ? {} : exporting(collector.url, exportMs)),
      });
      const sink = new URL(String((await functions.line('Listening'))['url']));
      const forwarders = Array.from({ length: shards }, (_, index) =>
        startForwarder(sink, kubeconfigs['website-forwarder'], shards === 1 ? [] : ['--shard', `${index}/${shards}`]),
      );
      const listening = await Promise.all(
        forwarders.map(async (forwarder) => ({
          forwarder,
          metrics: new URL('/metrics', String((await forwarder.line('Listening'))['url'])),
        })),
      );
      const [first, ...others] = listening;
      const { stop, failure } = until([...forwarders, functions]);
      const pids = forwarders.map((each, index) => [`forwarder${shards === 1 ? '' : `-${index}`}`, pidOf(each)]);
      return {
        pids: { functions: pidOf(functions), ...Object.fromEntries(pids) },
        resync: new URL('/resync', sink),
        // The metrics of several forwarders do not add up.
        ...(first !== undefined && others.length === 0 ? { inside: insideOf({ ...first, functions, collector }) } : {}),
        failure,
        stop: async () => {
          await stop();
          collector.close();
        },
      };
    },
  };
}

interface Parts {
  readonly forwarder: Program;
  /** Of the forwarder. */
  readonly metrics: URL;
  readonly functions: Program;
  readonly collector: OtlpCollector;
}

const insideOf = ({ forwarder, metrics, functions, collector }: Parts): Inside => ({
  logs: { forwarder: forwarder.lines, functions: functions.lines },
  histograms: async () => ({
    ...histogramsIn((await ask(metrics)).text, /^(website_forwarder|nodejs_gc)_/, ['type', 'result', 'kind']),
    ...histogramsOf(collector.received.at(-1)?.message),
  }),
});

const exporting = (collector: string, everyMs: number) => ({
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${collector}/v1/metrics`,
  OTEL_METRIC_EXPORT_INTERVAL: String(everyMs),
});

function startWorkers(processes: number, given: Readonly<Record<string, string>>): Program {
  const { command, variables } = imageIn('functions', 'dist/functions');
  const environment = {
    ...variables,
    HOST: '127.0.0.1',
    PORT: '0',
    ALLOW_ANONYMOUS: '1',
    RESYNC_INTERVAL_SECONDS: '0',
    ...given,
  };
  // Workers get the flags of the process that starts them.
  const flags = command.slice(0, -1);
  const [file = '', ...rest] = processes === 1 ? command : [...flags, WORKERS, command.at(-1) ?? '', String(processes)];
  return startProgram(file, rest, environment);
}

function startForwarder(sink: URL, kubeconfig: string, shard: readonly string[]): Program {
  const { command, variables } = imageIn('forwarder', 'dist/forwarder');
  const [file = '', ...rest] = command;
  const flags = ['--sink', sink.href, '--mode', 'batched', '--host', '127.0.0.1', '--port', '0', ...shard];
  return startProgram(file, [...rest, ...flags], { ...variables, KUBECONFIG: kubeconfig });
}

/** A program of its own, with rights to everything. */
export const rival = ({ name, command, prepare }: Rival): Subject => ({
  name,
  async start(cluster) {
    await prepare?.(cluster.transport);
    const child = startCommand(command, { KUBECONFIG: cluster.rival });
    await once(child.process, 'spawn');
    // One that defines the Website itself creates the CRD now.
    await untilServed(cluster.transport, API_VERSION, PLURAL);
    return { pids: { operator: pidOf(child) }, ...until([child]) };
  },
});

/** The end of programs: asked for, or not. */
function until(programs: readonly Program[]): Pick<Running, 'stop' | 'failure'> {
  let isAsked = false;
  const failure = new Promise<never>((_, reject) => {
    for (const { exit, stderr } of programs)
      void exit.then((code) => isAsked || reject(new Error(`It ended with ${code}: ${stderr.join('')}`)));
  });
  failure.catch(() => {});
  return {
    failure,
    stop: async () => {
      isAsked = true;
      await Promise.all(programs.map((each) => each.stop()));
    },
  };
}
