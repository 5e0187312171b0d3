import { parseArgs } from 'node:util';
import { z } from 'zod';

export const USAGE = `Usage: forwarder [flags]

Watches Websites and their children, and sends a CloudEvent for each change that matters.

  --sink URL          where events go (SINK, K_SINK); required
  --kubeconfig FILE   cluster to watch (KUBECONFIG); the Pod's own when absent
  --context NAME      context of the kubeconfig (KUBE_CONTEXT)
  --cluster NAME      name of the cluster in each event's source (CLUSTER_NAME); default
  --mode MODE         binary or structured (MODE); binary
  --parallel N        deliveries at once (PARALLEL); 32
  --timeout SECONDS   longest wait for an answer (TIMEOUT); 60
  --host ADDRESS      address of the health endpoint (HOST); 0.0.0.0
  --port N            its port, 0 for a free one (PORT); 8080
  --log-level LEVEL   trace, debug, info, warn, error or silent (LOG_LEVEL); info
  --insecure-sink     allow http to a sink outside this machine and this cluster
  --help              this text
`;

export interface Config {
  readonly sink: URL;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly cluster: string;
  readonly mode: 'binary' | 'structured';
  readonly parallel: number;
  readonly timeoutMs: number;
  readonly host: string;
  readonly port: number;
  readonly logLevel: string;
}

/** The message names every flag that is wrong, and its variable. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const OPTIONS = {
  sink: { type: 'string' },
  kubeconfig: { type: 'string' },
  context: { type: 'string' },
  cluster: { type: 'string' },
  mode: { type: 'string' },
  parallel: { type: 'string' },
  timeout: { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string' },
  'log-level': { type: 'string' },
  'insecure-sink': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  sink: ['SINK', 'K_SINK'],
  kubeconfig: ['KUBECONFIG'],
  context: ['KUBE_CONTEXT'],
  cluster: ['CLUSTER_NAME'],
  mode: ['MODE'],
  parallel: ['PARALLEL'],
  timeout: ['TIMEOUT'],
  host: ['HOST'],
  port: ['PORT'],
  'log-level': ['LOG_LEVEL'],
};

const settings = z.object({
  sink: z.url({ protocol: /^https?$/, error: 'must be the http or https URL that events go to' }),
  kubeconfig: z.string().optional(),
  context: z.string().optional(),
  cluster: z
    .string()
    .regex(/^[-.a-zA-Z0-9_]{1,128}$/, 'must be letters, digits, - . _')
    .default('default'),
  mode: z.enum(['binary', 'structured']).default('binary'),
  parallel: z.coerce.number().int().min(1).max(1000).default(32),
  timeout: z.coerce.number().min(1).max(600).default(60),
  host: z.string().default('0.0.0.0'),
  port: z.coerce.number().int().min(0).max(65535).default(8080),
  'log-level': z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/** Reads flags, and variables where there is no flag. @returns `help` when that was asked for. @throws UsageError */
export function configFrom(
  args: readonly string[],
  variables: Readonly<Record<string, string | undefined>>,
): Config | 'help' {
  const flags = parsedFlags(args);
  if (flags.help === true) return 'help';
  const given = Object.fromEntries(
    Object.entries(VARIABLES).flatMap(([name, names]) => {
      const value = flags[name as keyof typeof flags] ?? names.map((each) => variables[each]).find((each) => each);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${described(String(path[0]))}: ${message}`);
    throw new UsageError(`These settings are not usable:\n  ${problems.join('\n  ')}`);
  }
  const { sink, timeout, 'log-level': logLevel, kubeconfig, context, ...rest } = parsed.data;
  const url = new URL(sink);
  const problem = sinkProblem(url, flags['insecure-sink'] === true ? 'anywhere' : 'inside');
  if (problem !== undefined) throw new UsageError(`${described('sink')}: ${problem}`);
  return Object.freeze({ ...rest, kubeconfig, context, sink: url, timeoutMs: timeout * 1000, logLevel });
}

function parsedFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}. See --help`);
  }
}

const described = (name: string): string => `--${name} (${VARIABLES[name]?.join(', ') ?? ''})`;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const IN_CLUSTER = /\.svc(\.cluster\.local)?$/;
/** Where clouds hand out credentials to whoever asks. */
const METADATA =
  /^(169\.254(\.\d{1,3}){2}|\[::ffff:a9fe:[0-9a-f]{1,4}\]|\[fe[89ab][0-9a-f]:.*\]|\[fd00:ec2::254\]|metadata(\.google\.internal)?)$/;

/** What is wrong with a sink, in words; a link-local one is refused whatever is allowed. */
function sinkProblem(sink: URL, plainHttp: 'inside' | 'anywhere'): string | undefined {
  // A name may end in the dot of the root.
  const hostname = sink.hostname.replace(/\.$/, '');
  if (METADATA.test(hostname)) return `${hostname} is a link-local or metadata address, which is never a sink`;
  const isInside = LOOPBACK.test(hostname) || IN_CLUSTER.test(hostname);
  if (sink.protocol === 'https:' || isInside || plainHttp === 'anywhere') return undefined;
  return `${hostname} is outside this machine and this cluster: use https, or --insecure-sink if that is meant`;
}
