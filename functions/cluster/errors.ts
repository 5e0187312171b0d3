import * as z from 'zod';
import { shortened } from '../website/shortened.ts';

/**
 * Every way in which the API server says no, and what to do about it.
 * - `conflict`: the object changed since it was read, or exists already: read again.
 * - `transient`: try the same again later.
 * - `rights`: our own credentials or RBAC are wrong, or the CRD is missing. The user of a Website cannot mend that, so it is
 *   retried as well. A `Forbidden` that lasts is said on the Website (forbidden.ts).
 * - `terminal`: the request itself is refused and stays refused until the spec or the cluster's policy changes.
 */
const CODES = {
  NotFound: 'conflict',
  UnknownResource: 'rights',
  Conflict: 'conflict',
  AlreadyExists: 'conflict',
  Unauthorized: 'rights',
  Forbidden: 'rights',
  Gone: 'transient',
  TooManyRequests: 'transient',
  Timeout: 'transient',
  Unavailable: 'transient',
  Unreachable: 'transient',
  /** More than the request allowed for; the request may allow for more. */
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
  'Unreachable',
]);

/** How etcd and the way to it word what is wrong with them, such as `etcdserver: no leader`. */
const STORAGE = /\betcdserver: |\brpc error: /;

/** The API server refused, or could not be reached. `code` is stable: it is the metric label and the condition reason. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: ErrorCode;
  /** HTTP status of the answer; absent when there was none. */
  readonly status: number | undefined;
  /** What the API server asked us to wait. */
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

  /** Whether other requests are likely to fail as well: it is the cluster, and not the object that was asked for. */
  get isOfCluster(): boolean {
    if (this.code !== 'Unavailable') return OF_CLUSTER.has(this.code);
    // A webhook that fails for one object is a 500 as well.
    return this.status !== 500 || STORAGE.test(this.message);
  }
}

/** What another side asks us to wait is believed up to an hour: a wrong answer must not stop us for good. */
export const LONGEST_WAIT_SECONDS = 3_600;

/** Seconds that somebody else chose, in their range; what is none counts as absent. */
export const waitSeconds = z
  .number()
  .min(0)
  .transform((seconds) => Math.min(seconds, LONGEST_WAIT_SECONDS))
  .optional()
  .catch(undefined);

/** The part of `meta/v1 Status` that decides. */
const statusBody = z.object({
  kind: z.literal('Status'),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z
    .object({
      name: z.string().optional(),
      retryAfterSeconds: waitSeconds,
      causes: z.array(z.object({ reason: z.string().optional() })).optional(),
    })
    .optional(),
});
type StatusBody = z.output<typeof statusBody>;

/**
 * How an API server words that it has not come to the version that it was asked for: one from before a restore, or invented.
 * It answers 504 although it is at ease. Source: k8s.io/apiserver, pkg/storage/errors.go, NewTooLargeResourceVersionError.
 */
export const TOO_LARGE_VERSION = 'Too large resource version';

/** Longest piece of the API server's own words that is passed on, in bytes. */
const LONGEST_MESSAGE = 1024;

/**
 * The error for an answer that is not 2xx. Only a parsed `Status` is ever quoted: an unknown body may hold anything.
 * @param what the request in words, such as `create deployments in namespace a`.
 */
export function errorOf(what: string, status: number, body: string, retryAfter: string | undefined): ClusterError {
  const parsed = parseStatus(body);
  const code = codeOf(status, parsed);
  const said =
    code === 'UnknownResource'
      ? UNKNOWN_RESOURCE
      : parsed?.message === undefined
        ? `HTTP ${status}`
        : shortened(parsed.message, LONGEST_MESSAGE);
  return new ClusterError(code, `Could not ${what}: ${said}`, {
    status,
    retryAfterSeconds: parsed?.details?.retryAfterSeconds ?? retryAfterSeconds(retryAfter),
  });
}

function parseStatus(body: string): StatusBody | undefined {
  try {
    return statusBody.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

/** A header's seconds, in their range. The HTTP date form of `Retry-After` is not used by Kubernetes and counts as absent. */
export const retryAfterSeconds = (header: string | undefined): number | undefined =>
  header === undefined || header.trim() === '' ? undefined : waitSeconds.parse(Number(header));

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  408: 'Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestTooLarge',
  415: 'BadRequest',
  422: 'Invalid',
  429: 'TooManyRequests',
  504: 'Timeout',
};

const UNKNOWN_RESOURCE =
  'the API server does not know this resource: is the CRD installed (kubectl apply -f crds/website.yaml)?';

function codeOf(status: number, body: StatusBody | undefined): ErrorCode {
  if (status === 404) return missingCode(body);
  if (status === 403) return forbiddenCode(body);
  if (status === 409 && body?.reason === 'AlreadyExists') return 'AlreadyExists';
  if (isTooLarge(body)) return 'RequestTooLarge';
  return BY_STATUS[status] ?? 'Unavailable';
}

/** How etcd, and the API server's client of etcd, word that an object is too large to be stored. */
const TOO_LARGE = /\betcdserver: request is too large\b|\btrying to send message larger than max\b/;

/** An API server that starts does not know a resource either, before it has read its CRDs: the object may well be there. */
const missingCode = (body: StatusBody | undefined): ErrorCode =>
  body?.details?.name === undefined ? 'UnknownResource' : 'NotFound';

const isTooLarge = (body: StatusBody | undefined): boolean => TOO_LARGE.test(body?.message ?? '');

/** How the API server words the no of a ValidatingAdmissionPolicy and of an admission webhook. */
const POLICY = /^admission webhook ".*" denied the request|ValidatingAdmissionPolicy '.*' .*denied request/s;

/** How the admission plugin OwnerReferencesPermissionEnforcement words its no. Source: kubernetes plugin/pkg/admission/gc. */
const OWNERSHIP = "cannot set an ownerRef on a resource you can't delete";

/**
 * 403 has five meanings: RBAC, a namespace on its way out, and, with no other mark than the message, a full quota, a policy of the
 * cluster, and an owner reference that only somebody with the right to delete the object may change.
 */
function forbiddenCode(body: StatusBody | undefined): ErrorCode {
  if (body?.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) return 'NamespaceTerminating';
  const message = body?.message ?? '';
  if (message.includes('exceeded quota:')) return 'QuotaExceeded';
  if (message.includes(OWNERSHIP)) return 'OwnershipDenied';
  return POLICY.test(message) ? 'PolicyDenied' : 'Forbidden';
}
