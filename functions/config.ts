import * as z from 'zod';
import type { ClusterAddress } from './cluster/credentials.ts';
import { clusterName, contextsBySource } from './clusters.ts';
import { togetherProblems, type Given } from './settings/cross-checks.ts';
import { isLoopback } from './settings/loopback.ts';
import { dnsLabel, httpUrl, numberThat, oneOf, wholeNumber } from './settings/setting-values.ts';
import { secretBytes, secretsIn } from './callers/signing-secrets.ts';

/** `a, b` */
const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== ''),
  );

/** A week. Node fires a timer that is set for more than 24 days at once, and again without end. */
const LONGEST_INTERVAL_SECONDS = 7 * 24 * 3_600;
const yesOrNo = z.stringbool({ error: 'must be true or false' });

/** The functions' settings. Every variable is optional: what is absent takes the value that suits a Pod. */
const environment = z.object({
  KUBECONFIG: z.string().min(1).optional(),
  KUBECONFIG_CONTENT: z
    .string()
    .refine(
      (text) => !text.startsWith('@Microsoft.KeyVault('),
      'the reference to Key Vault led to nothing: check its address, and that the identity may read secrets there',
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
  NAMESPACES: list.refine(
    (names) => names.every((name) => dnsLabel.safeParse(name).success),
    'must be names of namespaces, as in team-a,team-b',
  ),
  WEBHOOK_ALLOWED_ORIGINS: list,
  CALLER_ISSUER: z.string().min(1).optional(),
  CALLER_AUDIENCE: z.string().min(1).optional(),
  CALLER_SUBJECTS: list,
  CALLER_JWKS_URL: httpUrl
    // What is no URL is said already.
    .refine((url) => url.startsWith('https:') || isLoopback(URL.parse(url)?.hostname ?? 'localhost'), 'must be https')
    .transform((url) => new URL(url))
    .optional(),
  CALLER_SIGNING_SECRET: z
    .string()
    .transform(secretsIn)
    .refine(
      (secrets) => secrets.length > 0 && secrets.every(isSecret),
      'must be Standard Webhooks secrets, whsec_BASE64 of 24 to 64 bytes',
    )
    .optional(),
  ALLOW_ANONYMOUS: yesOrNo.default(false),
  ALLOWED_HOSTS: list
    .transform((hosts) => hosts.map((host) => host.toLowerCase()))
    .refine(
      (hosts) => hosts.every((host) => /^(\*|[-.\w]+)$/.test(host)),
      'must be names of hosts without ports, or *',
    ),
  REPLY_EVENTS: yesOrNo.default(false),
  CLUSTER_NAME: clusterName.default('default'),
  CLUSTERS: contextsBySource.optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl.optional(),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: httpUrl.optional(),
  OTEL_METRIC_EXPORT_INTERVAL: wholeNumber(1, LONGEST_INTERVAL_SECONDS * 1000).default(60_000),
});

/** Every variable that is read. */
export const SETTINGS: readonly string[] = Object.keys(environment.shape);

/** Standard Webhooks, "Signature scheme". */
function isSecret(secret: string): boolean {
  const bytes = secretBytes(secret) ?? 0;
  return bytes >= 24 && bytes <= 64;
}

export interface Config {
  /** Where the cluster is, or the kubeconfig of all clusters. */
  readonly address: ClusterAddress;
  /** The contexts of several clusters, by the sources of the events that are about them. */
  readonly contexts: ReadonlyMap<string, string> | undefined;
  /** The only ones that there are rights for; all of them when absent. */
  readonly namespaces?: readonly string[];
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly logLevel: string;
  /** 0 leaves the resync to a timer elsewhere. */
  readonly resyncIntervalSeconds: number;
  /** Events that are worked on at once; more are answered 429. */
  readonly maxConcurrent: number;
  /** Origins that pass the CloudEvents webhook handshake; `*` for all. */
  readonly webhookAllowedOrigins: readonly string[];
  /** Whether a reconcile is answered with a CloudEvent that others may subscribe to. */
  readonly replyEvents: boolean;
  /** Name of the cluster in the `source` of reply events; of several, each event's own. */
  readonly clusterName: string | undefined;
  /** Who may call. Nothing is checked where both are absent. */
  readonly callers: {
    /** Bearer tokens of one issuer, for one audience, of these subjects. */
    readonly tokens?: {
      /** The cluster's own when absent. */
      readonly issuer: string | undefined;
      readonly audience: string;
      readonly subjects: readonly string[];
      /** Where its keys are; the cluster's own API server when absent. */
      readonly jwksUrl: URL | undefined;
    };
    /** Standard Webhooks; any of them signs. */
    readonly signingSecrets?: readonly string[];
  };
  /** That anybody may call is meant. */
  readonly allowAnonymous: boolean;
  /** Names besides this machine's by which callers who are not asked who they are may call, in lower case; `*` for any. */
  readonly allowedHosts: readonly string[];
  /** How often metrics are sent to OpenTelemetry's collector, in milliseconds; absent where there is none. */
  readonly metricsIntervalMs: number | undefined;
}

/** The message names every variable that is wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/**
 * Reads the settings once, to the end: all that is wrong is in one message.
 * @param hostProblems what else a host asks of them.
 * @throws ConfigError
 */
export function configFrom(
  variables: Readonly<Record<string, string | undefined>>,
  hostProblems: (given: Given) => string[] = () => [],
): Config {
  // A variable that is set to nothing counts as absent, as it does in manifests.
  const given = Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  );
  const parsed = environment.safeParse(given);
  const problems = [
    ...(parsed.error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
    ...togetherProblems(given),
    ...hostProblems(given),
  ];
  if (parsed.data === undefined || problems.length > 0)
    throw new ConfigError(`These environment variables are not usable:\n  ${problems.join('\n  ')}`);
  const { data } = parsed;
  const collector = data.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? data.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Object.freeze({
    address: addressOf(data),
    contexts: data.CLUSTERS,
    ...(data.NAMESPACES.length === 0 ? {} : { namespaces: data.NAMESPACES }),
    host: data.HOST,
    port: data.PORT,
    logLevel: data.LOG_LEVEL,
    resyncIntervalSeconds: data.RESYNC_INTERVAL_SECONDS,
    maxConcurrent: data.MAX_CONCURRENT,
    webhookAllowedOrigins: data.WEBHOOK_ALLOWED_ORIGINS,
    replyEvents: data.REPLY_EVENTS,
    clusterName: data.CLUSTERS === undefined ? data.CLUSTER_NAME : undefined,
    callers: callersOf(data),
    allowAnonymous: data.ALLOW_ANONYMOUS,
    allowedHosts: data.ALLOWED_HOSTS,
    metricsIntervalMs: collector === undefined ? undefined : data.OTEL_METRIC_EXPORT_INTERVAL,
  });
}

function addressOf(data: z.output<typeof environment>): ClusterAddress {
  const { KUBECONFIG: kubeconfig, KUBECONFIG_CONTENT: kubeconfigText, KUBE_CONTEXT: context } = data;
  return { kubeconfig, kubeconfigText, context };
}

function callersOf(data: z.output<typeof environment>): Config['callers'] {
  const { CALLER_ISSUER: issuer, CALLER_AUDIENCE: audience, CALLER_SUBJECTS: subjects } = data;
  const signing = data.CALLER_SIGNING_SECRET === undefined ? {} : { signingSecrets: data.CALLER_SIGNING_SECRET };
  if (audience === undefined) return signing;
  return { ...signing, tokens: { issuer, audience, subjects, jwksUrl: data.CALLER_JWKS_URL } };
}
