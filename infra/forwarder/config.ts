import * as z from 'zod';
import {
  dnsLabel,
  httpUrl,
  filePath,
  namespaceNames,
  numberFrom,
  oneOf,
  wholeNumber,
} from '../../functions/settings/setting-values.ts';
import { traceConfigFrom, traceSettings, type TraceConfig } from '../../functions/settings/trace-settings.ts';
import { flagsIn, settingLabel, settingsIn } from './flags.ts';
import { sinkConfigFrom, sinkProblems, sinkSettings, type SinkConfig } from './sink/config.ts';

export const USAGE = `Usage: forwarder [flags]

Watches Websites and their children, and sends a CloudEvent for each relevant change.
A flag takes precedence over the environment variable in parentheses.

  --sink URL                URL to send events to, or file:///PATH to append them to a file (SINK, K_SINK); required
  --sink-kind KIND          http, event-grid, storage-queue or file (SINK_KIND); default: http, or file for a file URL
  --sink-token-file FILE    send the bearer token in FILE, and reload it when it rotates (SINK_TOKEN_FILE)
  --sink-entra-scope SCOPE  send a Microsoft Entra token for SCOPE (SINK_ENTRA_SCOPE)
  --mode MODE               binary, structured, or batched: several events per request (MODE); default: binary, or structured
                            with SINK_SIGNING_SECRET
  --parallel N              maximum number of concurrent deliveries (PARALLEL); default: 32
  --timeout SECONDS         how long to wait for the sink's response (TIMEOUT); default: 120
  --insecure-sink           allow plain http to a sink outside this machine and this cluster
  --kubeconfig FILE         cluster to watch (KUBECONFIG); default: ~/.kube/config, or the Pod's own cluster
  --context NAME            kubeconfig context to use (KUBE_CONTEXT)
  --cluster NAME            cluster name in the source of each event (CLUSTER_NAME); default: "default"
  --namespaces A,B          watch only these namespaces (NAMESPACES)
  --shard I/N               handle shard I of N, counted from 0; namespaces are spread over the shards (SHARD)
  --lease NAME              work only while holding this Lease, one per shard (LEASE); default: no leader election
  --lease-namespace NAME    namespace of the Lease (LEASE_NAMESPACE, POD_NAMESPACE); default: website-reconciler
  --host ADDRESS            listen address of /readyz, /statusz, /metrics and /livez (HOST); default: 0.0.0.0
  --port N                  listen port, 0 to pick a free one (PORT); default: 8080
  --log-level LEVEL         trace, debug, info, warn, error or silent (LOG_LEVEL); default: info
  --help                    print this text

Secrets have no flag, because other users of the machine can read command lines:
  SINK_FUNCTION_KEY         function key of Azure Functions
  SINK_BEARER_TOKEN         bearer token
  SINK_SIGNING_SECRET       Standard Webhooks secret, or several separated by spaces
  SINK_EVENT_GRID_KEY       access key of the Event Grid topic; default: Microsoft Entra
  SINK_ACCOUNT_KEY          storage account key for storage-queue; default: Microsoft Entra

K_CE_OVERRIDES and K_CA_CERTS have the format that Knative's SinkBinding uses.
If OTEL_EXPORTER_OTLP_ENDPOINT is set, the forwarder sends traces there. docs/metrics.md lists further variables.
`;

export interface Config {
  readonly sink: SinkConfig;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly cluster: string;
  /** Extension attributes that the operator adds to every event, by name. */
  readonly extensions: Readonly<Record<string, string>>;
  readonly parallel: number;
  readonly timeoutMs: number;
  /** All namespaces when absent. */
  readonly namespaces: readonly string[] | undefined;
  readonly shard: Shard | undefined;
  readonly lease: { readonly namespace: string; readonly name: string } | undefined;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  /** How spans are sent; absent if no OpenTelemetry collector takes them. */
  readonly traces: TraceConfig | undefined;
}

/** The share of the namespaces that one forwarder handles when several split the work. */
export interface Shard {
  /** Counted from 0. */
  readonly index: number;
  readonly count: number;
}

/** Invalid settings: the message lists every invalid flag with its variable. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const settings = sinkSettings.extend({
  parallel: wholeNumber(1, 1000).default(32),
  timeout: numberFrom(1, 600).default(120),
  kubeconfig: filePath.optional(),
  context: z.string().optional(),
  cluster: z
    .string()
    .regex(/^[-.a-zA-Z0-9_]{1,128}$/, 'must be letters, digits, - . _')
    .default('default'),
  namespaces: namespaceNames.optional(),
  shard: z
    .string()
    .regex(/^\d{1,3}\/[1-9]\d{0,2}$/, 'must be I/N, as in 0/3')
    .transform((text): Shard => {
      const [index = 0, count = 1] = text.split('/').map(Number);
      return { index, count };
    })
    .refine(({ index, count }) => index < count, 'I must be less than N, because shards are counted from 0')
    .optional(),
  lease: dnsLabel.optional(),
  'lease-namespace': dnsLabel.default('website-reconciler'),
  host: z.string().default('0.0.0.0'),
  port: wholeNumber(0, 65_535).default(8080),
  'log-level': oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  K_CE_OVERRIDES: z
    .string()
    .transform(
      (text, context) =>
        extensionsIn(text) ?? context.addIssue('must be {"extensions": {...}} as JSON, with printable ASCII'),
    )
    .pipe(z.record(z.string(), z.string()))
    .default({}),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional(),
  ...traceSettings,
});

/** Every setting: the name of its flag, or of its variable if it has no flag. */
export const SETTINGS: readonly string[] = Object.keys(settings.shape);

/** Attributes that overrides must not replace. Source: CloudEvents 1.0. */
const CORE_ATTRIBUTES: ReadonlySet<string> = new Set([
  'id',
  'source',
  'specversion',
  'type',
  'subject',
  'time',
  'datacontenttype',
  'dataschema',
  'data',
]);
const overrides = z.object({
  extensions: z
    .record(
      z
        .string()
        .regex(/^[a-z0-9]{1,20}$/)
        .refine((name) => !CORE_ATTRIBUTES.has(name)),
      // In binary mode these become HTTP headers.
      z.coerce.string().regex(/^[\x20-\x7e]*$/),
    )
    .default({}),
});

function extensionsIn(text: string): Record<string, string> | undefined {
  try {
    return overrides.safeParse(JSON.parse(text)).data?.extensions;
  } catch {
    return undefined;
  }
}

/**
 * Parses flags and variables. A flag takes precedence over its variable.
 * @returns `help` if the command line asks for it.
 * @throws UsageError that lists every problem, not only the first.
 */
export function configFrom(
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Config | 'help' {
  const flags = flagsIn(args);
  if (flags.switches.has('help')) return 'help';
  const given = settingsIn(flags, variables);
  const parsed = settings.safeParse(given);
  const problems = [
    ...flags.problems.map((problem) => `${problem}. See --help`),
    ...[
      ...(parsed.error?.issues ?? []).map(({ path, message }) => ({ name: String(path[0]), message })),
      ...sinkProblems(given, flags.switches.has('insecure-sink') ? 'anywhere' : 'inside'),
    ].map(({ name, message }) => `${settingLabel(name)}: ${message}`),
  ];
  // Several invalid items of one list produce the same line: print it once.
  if (parsed.data === undefined || problems.length > 0)
    throw new UsageError(`Invalid settings:\n  ${[...new Set(problems)].join('\n  ')}`);
  const { kubeconfig, context, cluster, namespaces, shard, parallel, timeout, host, port, ...rest } = parsed.data;
  const endpoint = rest.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? rest.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Object.freeze({
    sink: sinkConfigFrom(parsed.data),
    kubeconfig,
    context,
    cluster,
    namespaces,
    shard,
    parallel,
    host,
    port,
    timeoutMs: timeout * 1000,
    extensions: rest.K_CE_OVERRIDES,
    lease: leaseOf(rest.lease, rest['lease-namespace'], shard),
    logLevel: rest['log-level'],
    traces: endpoint === undefined ? undefined : traceConfigFrom(rest),
  });
}

/** Shards work at the same time, so each needs its own Lease. */
function leaseOf(name: string | undefined, namespace: string, shard: Shard | undefined): Config['lease'] {
  if (name === undefined) return undefined;
  return { namespace, name: shard === undefined ? name : `${name}-${shard.index}-of-${shard.count}` };
}
