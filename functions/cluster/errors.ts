/**
 * Every kind of refusal by the API server, and what to do about it.
 * - `conflict`: the object changed since it was read, or already exists. Read it again.
 * - `transient`: retry the same request later.
 * - `rights`: our own credentials or RBAC are wrong, or the CRD is missing. The user of a Website cannot fix that, so we retry.
 *   The Website's status reports a lasting `Forbidden` (lasting.ts).
 * - `terminal`: the API server refuses this request until the spec or the cluster's policy changes.
 */
const CODES = {
  NotFound: 'conflict',
  UnknownResource: 'rights',
  /** The cluster lacks an optional API (`optionalApi` of a kind). */
  MissingApi: 'terminal',
  Conflict: 'conflict',
  AlreadyExists: 'conflict',
  Unauthorized: 'rights',
  Forbidden: 'rights',
  Gone: 'transient',
  TooManyRequests: 'transient',
  Timeout: 'transient',
  Unavailable: 'transient',
  /** The API server fails at this request, and not at others: most often, an admission webhook cannot be called. */
  InternalError: 'transient',
  Unreachable: 'transient',
  /** The program closed its connections before the API server answered. */
  Stopped: 'transient',
  /** Larger than the request's limit. A request with a higher limit may succeed. */
  AnswerTooLarge: 'transient',
  NamespaceTerminating: 'terminal',
  QuotaExceeded: 'terminal',
  PolicyDenied: 'terminal',
  RequestTooLarge: 'terminal',
  OwnershipDenied: 'terminal',
  Invalid: 'terminal',
  BadRequest: 'terminal',
} as const;

export type ErrorCode = keyof typeof CODES;
export type ErrorClass = (typeof CODES)[ErrorCode];

const OF_CLUSTER: ReadonlySet<ErrorCode> = new Set([
  'UnknownResource',
  'Unauthorized',
  'TooManyRequests',
  'Timeout',
  'Unavailable',
  'Unreachable',
  'Stopped',
]);

/** Nobody has to act: a retry settles a lost race, and what a stopping program leaves is done later. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set(['Conflict', 'Stopped']);

/** The API server refused a request or was unreachable. `code` is stable, since metrics and condition reasons use it. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ErrorCode;
  /** The HTTP status of the answer; absent without an answer. */
  readonly status: number | undefined;
  /** How long the API server asked us to wait. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    rest: { status?: number | undefined; retryAfterSeconds?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: rest.cause });
    this.code = code;
    this.status = rest.status;
    this.retryAfterSeconds = rest.retryAfterSeconds;
  }

  get class(): ErrorClass {
    return CODES[this.code];
  }

  /** Whether the cluster is at fault and not the requested object, so that other requests are likely to fail as well. */
  get isOfCluster(): boolean {
    return OF_CLUSTER.has(this.code);
  }
}

/** The level of a log line about a failed run. */
export function levelOf(error: unknown): 'info' | 'warn' | 'error' {
  if (!(error instanceof ClusterError)) return 'error';
  return EXPECTED.has(error.code) ? 'info' : 'warn';
}
