import * as z from 'zod';
import type { ClusterAddress } from './cluster/credentials/kubeconfig-source.ts';
import { clusterName, contextsBySource } from './clusters.ts';
import { combinationProblems, type Given } from './settings/cross-checks.ts';
import { historyUrl, type HistoryAddress } from './settings/history-url.ts';
import { isLoopback } from './settings/loopback.ts';
import {
  filePath,
  httpUrl,
  listOf,
  namespaceNames,
  numberThat,
  oneOf,
  wholeNumber,
} from './settings/setting-values.ts';
import { traceConfigFrom, traceSettings, type TraceConfig } from './settings/trace-settings.ts';
import { secretBytes, secretsIn } from './callers/signing-secrets.ts';
import { gatewayName, type Defaults } from './website/defaults.ts';

/** A week. Node fires a timer of more than 24 days immediately, over and over. */
const LONGEST_INTERVAL_SECONDS = 7 * 24 * 3_600;
const isGiven = (text: string): boolean => text !== '';
const yesOrNo = z.stringbool({ error: 'must be true or false' });

/** The functions' settings. Every variable is optional, and the defaults suit a Pod. */
const environment = z.object({
  KUBECONFIG: filePath.optional(),
  KUBECONFIG_CONTENT: z
    .string()
    .refine(
      (text) => !text.startsWith('@Microsoft.KeyVault('),
      'the Key Vault reference could not be resolved: check its address, and that the identity may read its secrets',
    )
    .optional(),
  KUBE_CONTEXT: z.string().min(1).optional(),
  HOST: z.string().min(1).default('0.0.0.0'),
  PORT: wholeNumber(0, 65_535).default(8080),
  LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  RESYNC_INTERVAL_SECONDS: numberThat(
    (seconds) => seconds === 0 || (seconds >= 1 && seconds <= LONGEST_INTERVAL_SECONDS),
    `0, or at least 1 and at most ${LONGEST_INTERVAL_SECONDS}`,
  ).default(600),
  MAX_CONCURRENT: wholeNumber(1, 1000).default(64),
  NAMESPACES: namespaceNames.optional(),
  WEBHOOK_ALLOWED_ORIGINS: listOf(isGiven, 'must be origins, such as eventgrid.azure.net, or *').default([]),
  CALLER_ISSUER: z.string().min(1).optional(),
  CALLER_AUDIENCE: z.string().min(1).optional(),
  CALLER_SUBJECTS: listOf(isGiven, 'must be the subjects of tokens, separated by commas').default([]),
  CALLER_JWKS_URL: httpUrl
    // Text that is not a URL passes here, because `httpUrl` already reports it.
    .refine((url) => url.startsWith('https:') || isLoopback(URL.parse(url)?.hostname ?? 'localhost'), 'must be https')
    .transform((url) => new URL(url))
    .optional(),
  CALLER_SIGNING_SECRET: z
    .string()
    .transform(secretsIn)
    .refine(
      (secrets) => secrets.length > 0 && secrets.every(isSecret),
      'must be Standard Webhooks secrets: whsec_ and 24 to 64 bytes in base64',
    )
    .optional(),
  ALLOW_ANONYMOUS: yesOrNo.default(false),
  ALLOWED_HOSTS: listOf((host) => /^(\*|[-.\w]+)$/.test(host), 'must be host names without ports, or *')
    .transform((hosts) => hosts.map((host) => host.toLowerCase()))
    .default([]),
  REPLY_EVENTS: yesOrNo.default(false),
  DEFAULT_GATEWAY: gatewayName.optional(),
  ONLY_DEFAULT_GATEWAY: yesOrNo.default(false),
  CLUSTER_NAME: clusterName.default('default'),
  CLUSTERS: contextsBySource.optional(),
  HISTORY_URL: historyUrl.optional(),
  HISTORY_DAYS: wholeNumber(1, 3650).default(30),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl.optional(),
  OTEL_METRIC_EXPORT_INTERVAL: wholeNumber(1, LONGEST_INTERVAL_SECONDS * 1000).default(60_000),
  ...traceSettings,
});

/** Every environment variable that the functions read. */
export const SETTINGS: readonly string[] = Object.keys(environment.shape);

/** Standard Webhooks, "Signature scheme". */
function isSecret(secret: string): boolean {
  const bytes = secretBytes(secret) ?? 0;
  return bytes >= 24 && bytes <= 64;
}

export interface Config {
  /** The cluster, or the kubeconfig that has all clusters. */
  readonly address: ClusterAddress;
  /** Contexts of the kubeconfig by event source; absent if there is a single cluster. */
  readonly contexts: ReadonlyMap<string, string> | undefined;
  /** The namespaces that the functions have rights in; all namespaces if absent. */
  readonly namespaces?: readonly string[];
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  readonly logLevel: string;
  /** 0 turns the Node host's own resync off. */
  readonly resyncIntervalSeconds: number;
  /** How many events are handled at once. The Node host answers 429 to further requests. */
  readonly maxConcurrent: number;
  /** Origins that pass the CloudEvents webhook handshake; `*` means any. */
  readonly webhookAllowedOrigins: readonly string[];
  /** Whether the answer to a reconcile is a CloudEvent, which a Broker publishes to subscribers. */
  readonly replyEvents: boolean;
  /** What the operator decides for all Websites. */
  readonly defaults: Defaults;
  /** The cluster's name in the `source` of reply events. With several clusters, it is absent and replies repeat the event's source. */
  readonly clusterName: string | undefined;
  /** Where the history is kept, and for how many days; absent if no history is kept. */
  readonly history?: { readonly address: HistoryAddress; readonly days: number };
  /** Who may call. If both are absent, callers are not checked. */
  readonly callers: {
    /** Accepts bearer tokens from one issuer, for one audience, with one of these subjects. */
    readonly tokens?: {
      /** The cluster's own issuer if absent. */
      readonly issuer: string | undefined;
      readonly audience: string;
      readonly subjects: readonly string[];
      /** Where the issuer's keys are; at the cluster's API server if absent. */
      readonly jwksUrl: URL | undefined;
    };
    /** Accepts Standard Webhooks signatures made with any of these secrets. */
    readonly signingSecrets?: readonly string[];
  };
  /** Whether the operator accepts that callers are not checked. */
  readonly allowAnonymous: boolean;
  /** Further host names, in lower case, that unauthenticated requests may be addressed to; `*` means any. Loopback always works. */
  readonly allowedHosts: readonly string[];
  /** How often metrics are sent, in milliseconds; absent if there is no OpenTelemetry collector. */
  readonly metricsIntervalMs: number | undefined;
  /** How spans are sent; absent if there is no OpenTelemetry collector for them. */
  readonly traces: TraceConfig | undefined;
}

/** Settings are invalid. The message names every invalid variable, and quotes no value, because it may be a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Parses the settings and collects all problems in one error.
 * @param hostProblems checks that only this host makes.
 * @throws ConfigError
 */
export function configFrom(
  variables: Readonly<Record<string, string | undefined>>,
  hostProblems: (given: Given) => string[] = () => [],
): Config {
  // An empty variable counts as absent: manifests often contain settings without a value.
  const given = Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  );
  const parsed = environment.safeParse(given);
  const problems = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${String(path[0])}: ${message}`),
    ...combinationProblems(given),
    ...hostProblems(given),
  ];
  if (parsed.data === undefined || problems.length > 0)
    throw new ConfigError(`These environment variables are invalid:\n  ${problems.join('\n  ')}`);
  const { data } = parsed;
  return Object.freeze({
    address: addressOf(data),
    contexts: data.CLUSTERS,
    ...(data.NAMESPACES === undefined ? {} : { namespaces: data.NAMESPACES }),
    host: data.HOST,
    port: data.PORT,
    logLevel: data.LOG_LEVEL,
    resyncIntervalSeconds: data.RESYNC_INTERVAL_SECONDS,
    maxConcurrent: data.MAX_CONCURRENT,
    webhookAllowedOrigins: data.WEBHOOK_ALLOWED_ORIGINS,
    replyEvents: data.REPLY_EVENTS,
    defaults: { gateway: data.DEFAULT_GATEWAY, isOnlyGateway: data.ONLY_DEFAULT_GATEWAY },
    clusterName: data.CLUSTERS === undefined ? data.CLUSTER_NAME : undefined,
    ...historyOf(data),
    callers: callersOf(data),
    allowAnonymous: data.ALLOW_ANONYMOUS,
    allowedHosts: data.ALLOWED_HOSTS,
    ...telemetryOf(data),
  });
}

function addressOf(data: z.output<typeof environment>): ClusterAddress {
  const { KUBECONFIG: kubeconfig, KUBECONFIG_CONTENT: kubeconfigText, KUBE_CONTEXT: context } = data;
  return { kubeconfig, kubeconfigText, context };
}

function historyOf({
  HISTORY_URL: address,
  HISTORY_DAYS: days,
}: z.output<typeof environment>): Pick<Config, 'history'> {
  return address === undefined ? {} : { history: { address, days } };
}

function telemetryOf(data: z.output<typeof environment>): Pick<Config, 'metricsIntervalMs' | 'traces'> {
  const metrics = data.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? data.OTEL_EXPORTER_OTLP_ENDPOINT;
  const traces = data.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? data.OTEL_EXPORTER_OTLP_ENDPOINT;
  return {
    metricsIntervalMs: metrics === undefined ? undefined : data.OTEL_METRIC_EXPORT_INTERVAL,
    traces: traces === undefined ? undefined : traceConfigFrom(data),
  };
}

function callersOf(data: z.output<typeof environment>): Config['callers'] {
  const { CALLER_ISSUER: issuer, CALLER_AUDIENCE: audience, CALLER_SUBJECTS: subjects } = data;
  const signing = data.CALLER_SIGNING_SECRET === undefined ? {} : { signingSecrets: data.CALLER_SIGNING_SECRET };
  if (audience === undefined) return signing;
  return { ...signing, tokens: { issuer, audience, subjects, jwksUrl: data.CALLER_JWKS_URL } };
}
