import { parseArgs } from 'node:util';
import { unknownArgument } from '../../functions/settings/unknown-argument.ts';

/** The flags that take a value, with their environment variables. The first variable that is set wins. */
export const FLAGS = {
  sink: ['SINK', 'K_SINK'],
  'sink-kind': ['SINK_KIND'],
  'sink-token-file': ['SINK_TOKEN_FILE'],
  'sink-entra-scope': ['SINK_ENTRA_SCOPE'],
  mode: ['MODE'],
  parallel: ['PARALLEL'],
  timeout: ['TIMEOUT'],
  kubeconfig: ['KUBECONFIG'],
  context: ['KUBE_CONTEXT'],
  cluster: ['CLUSTER_NAME'],
  namespaces: ['NAMESPACES'],
  shard: ['SHARD'],
  lease: ['LEASE'],
  'lease-namespace': ['LEASE_NAMESPACE', 'POD_NAMESPACE'],
  host: ['HOST'],
  port: ['PORT'],
  'log-level': ['LOG_LEVEL'],
} as const;
/** The settings that have no flag. */
export const VARIABLES = [
  'SINK_FUNCTION_KEY',
  'SINK_BEARER_TOKEN',
  'SINK_SIGNING_SECRET',
  'SINK_EVENT_GRID_KEY',
  'SINK_ACCOUNT_KEY',
  'K_CE_OVERRIDES',
  'K_CA_CERTS',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
  'OTEL_BSP_SCHEDULE_DELAY',
  'OTEL_BSP_MAX_QUEUE_SIZE',
  'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
] as const;

const SWITCHES = ['insecure-sink', 'help'] as const;

/** A parsed command line. */
export interface Flags {
  readonly values: Readonly<Record<string, string>>;
  readonly switches: ReadonlySet<(typeof SWITCHES)[number]>;
  /** Errors in the command line itself. They never quote a value, because it could be a secret. */
  readonly problems: readonly string[];
}

export function flagsIn(args: readonly string[]): Flags {
  const options = Object.fromEntries([
    ...Object.keys(FLAGS).map((name) => [name, { type: 'string' }] as const),
    ...SWITCHES.map((name) => [name, { type: 'boolean' }] as const),
  ]);
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const values: Record<string, string> = {};
  const switches = new Set<(typeof SWITCHES)[number]>();
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option') {
      problems.push(unknownArgument({ index: token.index }));
      continue;
    }
    const { name, rawName, value, inlineValue } = token;
    const found = SWITCHES.find((each) => each === name);
    if (found !== undefined && value === undefined) switches.add(found);
    else if (found !== undefined) problems.push(`${rawName} does not take a value`);
    else if (!Object.hasOwn(FLAGS, name)) problems.push(unknownArgument(token));
    // A value that starts with a dash is more likely the next flag, and an empty one an unset variable.
    else if (!value || (!inlineValue && value.startsWith('-'))) problems.push(`${rawName} needs a value`);
    else values[name] = value;
  }
  return { values, switches, problems };
}

/** The raw value of every setting that is set, by name. An empty variable counts as unset. */
export function settingsIn(
  { values }: Flags,
  variables: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const variablesOf: (readonly [string, readonly string[]])[] = [
    ...Object.entries(FLAGS),
    ...VARIABLES.map((name) => [name, [name]] as const),
  ];
  return Object.fromEntries(
    variablesOf.flatMap(([name, names]) => {
      const value = values[name] ?? names.map((each) => variables[each]).find((each) => each);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** How error messages name a setting: `--port (PORT)`, or only the variable if it has no flag. */
export const settingLabel = (name: string): string =>
  name in FLAGS ? `--${name} (${FLAGS[name as keyof typeof FLAGS].join(', ')})` : name;
