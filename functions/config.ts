import * as z from 'zod';

const port = z.coerce.number().int().min(0).max(65535);

/** The functions' settings. Every variable is optional: what is absent takes the value that suits a Pod. */
const environment = z.object({
  KUBECONFIG: z.string().min(1).optional(),
  KUBE_CONTEXT: z.string().min(1).optional(),
  HOST: z.string().min(1).default('0.0.0.0'),
  PORT: port.default(8080),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  RESYNC_INTERVAL_SECONDS: z.coerce.number().min(0).default(600),
  MAX_CONCURRENT: z.coerce.number().int().min(1).max(1000).default(64),
  WEBHOOK_ALLOWED_ORIGINS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((origin) => origin.trim())
        .filter((origin) => origin !== ''),
    ),
  REPLY_EVENTS: z.stringbool().default(false),
  CLUSTER_NAME: z
    .string()
    .regex(/^[-.a-zA-Z0-9_]{1,128}$/, 'must be letters, digits, - . _')
    .default('default'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: z.string().optional(),
  OTEL_METRIC_EXPORT_INTERVAL: z.coerce.number().int().min(1).default(60_000),
});

export interface Config {
  /** Kubeconfig to use; the Pod's ServiceAccount, or kubectl's default, when absent. */
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
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
  /** Name of the cluster in the `source` of reply events. */
  readonly clusterName: string;
  /** How often metrics are sent to OpenTelemetry's collector, in milliseconds; absent where there is none. */
  readonly metricsIntervalMs: number | undefined;
}

/** The message names every variable that is wrong. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads the settings once. @throws ConfigError */
export function configFrom(variables: Readonly<Record<string, string | undefined>>): Config {
  // A variable that is set to nothing counts as absent, as it does in manifests.
  const given = Object.fromEntries(
    Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new ConfigError(`These environment variables are not usable:\n  ${problems.join('\n  ')}`);
  }
  const { data } = parsed;
  const collector = data.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? data.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Object.freeze({
    kubeconfig: data.KUBECONFIG,
    context: data.KUBE_CONTEXT,
    host: data.HOST,
    port: data.PORT,
    logLevel: data.LOG_LEVEL,
    resyncIntervalSeconds: data.RESYNC_INTERVAL_SECONDS,
    maxConcurrent: data.MAX_CONCURRENT,
    webhookAllowedOrigins: data.WEBHOOK_ALLOWED_ORIGINS,
    replyEvents: data.REPLY_EVENTS,
    clusterName: data.CLUSTER_NAME,
    metricsIntervalMs: collector === undefined ? undefined : data.OTEL_METRIC_EXPORT_INTERVAL,
  });
}
