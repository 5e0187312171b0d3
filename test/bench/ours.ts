// The forwarder and the functions, as they are deployed.
import { imageIn } from '../image.ts';
import { startOtlpCollector, type OtlpCollector } from '../otlp-collector.ts';
import { pidOf, startProgram, type Program } from '../program.ts';
import { histogramsIn, histogramsOf } from './histograms.ts';
import { ask } from './measure.ts';
import { until, type Inside, type Subject } from './subjects.ts';

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
