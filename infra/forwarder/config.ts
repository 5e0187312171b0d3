import * as z from 'zod';
import { dnsLabel, httpUrl, numberFrom, oneOf, wholeNumber } from '../../functions/settings/setting-values.ts';
import { described, flagsIn, given } from './flags.ts';
import { sinkConfigFrom, sinkProblems, sinkSettings, type SinkConfig } from './sink/config.ts';

export const USAGE = `Usage: forwarder [flags]

Watches Websites and their children, and sends a CloudEvent for each change that matters. A flag comes before its variable.

  --sink URL                where events go (SINK, K_SINK); required
  --sink-kind KIND          http, event-grid or storage-queue (SINK_KIND); http
  --sink-token-file FILE    sends the token in FILE, read again as it rotates (SINK_TOKEN_FILE)
  --sink-entra-scope SCOPE  sends a token of Entra for SCOPE (SINK_ENTRA_SCOPE)
  --mode MODE               binary, structured, or batched where the sink takes several at once (MODE); binary
  --parallel N              deliveries at once (PARALLEL); 32
  --timeout SECONDS         longest wait for an answer (TIMEOUT); 120
  --insecure-sink           allow http to a sink outside this machine and this cluster
  --kubeconfig FILE         cluster to watch (KUBECONFIG); the Pod's own when absent
  --context NAME            context of the kubeconfig (KUBE_CONTEXT)
  --cluster NAME            name of the cluster in each event's source (CLUSTER_NAME); default
  --namespaces A,B          watch these namespaces only (NAMESPACES)
  --shard I/N               take the Ith of N parts of the namespaces, from 0 (SHARD)
  --lease NAME              work only while holding this Lease, one for each shard (LEASE); without one, work alone
  --lease-namespace NAME    its namespace (LEASE_NAMESPACE, POD_NAMESPACE); website-reconciler
  --host ADDRESS            address of /livez, /readyz and /metrics (HOST); 0.0.0.0
  --port N                  its port, 0 for a free one (PORT); 8080
  --log-level LEVEL         trace, debug, info, warn, error or silent (LOG_LEVEL); info
  --help                    this text

Secrets are variables only, since anyone on the machine can read flags: SINK_FUNCTION_KEY, SINK_BEARER_TOKEN,
SINK_SIGNING_SECRET (Standard Webhooks), SINK_EVENT_GRID_KEY, SINK_ACCOUNT_KEY (storage-queue; Entra without it).
K_CE_OVERRIDES and K_CA_CERTS are as Knative's SinkBinding sets them. Traces are sent where OTEL_EXPORTER_OTLP_ENDPOINT says.
`;

export interface Config {
  readonly sink: SinkConfig;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly cluster: string;
  /** Attributes for every event, by name. */
  readonly extensions: Readonly<Record<string, string>>;
  readonly parallel: number;
  readonly timeoutMs: number;
  /** All of them when absent. */
  readonly namespaces: readonly string[] | undefined;
  readonly shard: Shard | undefined;
  readonly lease: { readonly namespace: string; readonly name: string } | undefined;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
  readonly traces: boolean;
}

/** One of several equal parts of the namespaces. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** The message names every flag that is wrong, and its variable. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const settings = sinkSettings.extend({
  parallel: wholeNumber(1, 1000).default(32),
  timeout: numberFrom(1, 600).default(120),
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
  cluster: z
    .string()
    .regex(/^[-.a-zA-Z0-9_]{1,128}$/, 'must be letters, digits, - . _')
    .default('default'),
  namespaces: z
    .string()
    .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))])
    .pipe(z.array(dnsLabel))
    .optional(),
  shard: z
    .string()
    .regex(/^\d{1,3}\/[1-9]\d{0,2}$/, 'must be I/N, as in 0/3')
    .transform((text): Shard => {
      const [index = 0, count = 1] = text.split('/').map(Number);
      return { index, count };
    })
    .refine(({ index, count }) => index < count, 'counts from 0: the last of N is N-1')
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
});

/** Every setting, by its flag, or by its variable where it has none. */
export const SETTINGS: readonly string[] = Object.keys(settings.shape);

/** Source: CloudEvents 1.0. What an event is does not change on its way. */
const CORE: ReadonlySet<string> = new Set([
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
        .refine((name) => !CORE.has(name)),
      // Sent as headers.
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
 * Reads flags, and variables where there is no flag, to the end: all that is wrong is in one message.
 * @returns `help` when that was asked for.
 * @throws UsageError
 */
export function configFrom(
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Config | 'help' {
  const flags = flagsIn(args);
  if (flags.switches.has('help')) return 'help';
  const all = given(flags, variables);
  const parsed = settings.safeParse(all);
  const problems = [
    ...flags.problems.map((problem) => `${problem}. See --help`),
    ...[
      ...(parsed.error?.issues ?? []).map(({ path, message }) => ({ name: String(path[0]), message })),
      ...sinkProblems(all, flags.switches.has('insecure-sink') ? 'anywhere' : 'inside'),
    ].map(({ name, message }) => `${described(name)}: ${message}`),
  ];
  // Of a list, each item that is wrong makes the same line.
  if (parsed.data === undefined || problems.length > 0)
    throw new UsageError(`These settings are not usable:\n  ${[...new Set(problems)].join('\n  ')}`);
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
    traces: endpoint !== undefined,
  });
}

/** The shards work side by side, so each has a Lease of its own. */
function leaseOf(name: string | undefined, namespace: string, shard: Shard | undefined): Config['lease'] {
  if (name === undefined) return undefined;
  return { namespace, name: shard === undefined ? name : `${name}-${shard.index}-of-${shard.count}` };
}
