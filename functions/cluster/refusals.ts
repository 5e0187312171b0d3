// Translates answers of the API server that are not 2xx into errors.
import * as z from 'zod';
import { shortened } from '../website/shortened.ts';
import { ClusterError, type ErrorCode } from './errors.ts';

/** The longest wait that we accept from a server. A wrong answer must not stop us forever. */
export const LONGEST_WAIT_SECONDS = 3_600;

/** Seconds from a server, limited to `LONGEST_WAIT_SECONDS`. Invalid values count as absent. */
export const waitSeconds = z
  .number()
  .min(0)
  .transform((seconds) => Math.min(seconds, LONGEST_WAIT_SECONDS))
  .optional()
  .catch(undefined);

/** The parts of `meta/v1 Status` that determine the code. */
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
 * The message for a resourceVersion that the API server has not reached: one from before a restore, or an invented one. The status
 * is 504 although the API server is not overloaded. Source: k8s.io/apiserver, pkg/storage/errors.go, NewTooLargeResourceVersionError.
 */
export const TOO_LARGE_VERSION = 'Too large resource version';

/** The longest part of the API server's message that an error quotes, in bytes. */
const LONGEST_MESSAGE = 1024;

/**
 * The error for an answer that is not 2xx. It quotes only a parsed `Status`: any other body may contain secrets.
 * @param what the request in words, such as `create deployments in namespace a`.
 */
export function errorOf(what: string, status: number, body: string, retryAfter: string | undefined): ClusterError {
  const parsed = parseStatus(body);
  const code = codeOf(status, parsed);
  const why =
    code === 'UnknownResource'
      ? UNKNOWN_RESOURCE
      : parsed?.message === undefined
        ? `HTTP ${status}`
        : shortened(parsed.message, LONGEST_MESSAGE);
  return new ClusterError(code, `Could not ${what}: ${why}`, {
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

/** Parses a `Retry-After` header in seconds. An HTTP date counts as absent: Kubernetes does not use that form. */
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
  // A webhook chooses the status of its refusal.
  if (isPolicy(body)) return 'PolicyDenied';
  if (status === 404) return missingCode(body);
  if (status === 403) return forbiddenCode(body);
  if (status === 409 && body?.reason === 'AlreadyExists') return 'AlreadyExists';
  if (isTooLarge(body)) return 'RequestTooLarge';
  if (status === 500) return internalCode(body);
  return BY_STATUS[status] ?? 'Unavailable';
}

/** Marks of errors from etcd or on the way to it, such as `etcdserver: no leader`. */
const STORAGE = /\betcdserver: |\brpc error: /;

/** Without etcd, every request fails. */
const internalCode = (body: StatusBody | undefined): ErrorCode =>
  STORAGE.test(body?.message ?? '') ? 'Unavailable' : 'InternalError';

/** Messages of etcd and of the API server's etcd client for an object that is too large to store. */
const TOO_LARGE = /\betcdserver: request is too large\b|\btrying to send message larger than max\b/;

/** A 404 without a name means that the resource is unknown. An API server that has not read its CRDs yet answers so as well. */
const missingCode = (body: StatusBody | undefined): ErrorCode =>
  body?.details?.name === undefined ? 'UnknownResource' : 'NotFound';

const isTooLarge = (body: StatusBody | undefined): boolean => TOO_LARGE.test(body?.message ?? '');

/** Messages for a refusal by an admission webhook and by a ValidatingAdmissionPolicy. */
const POLICY = /^admission webhook ".*" denied the request|ValidatingAdmissionPolicy '.*' .*denied request/s;

const isPolicy = (body: StatusBody | undefined): boolean => POLICY.test(body?.message ?? '');

/** The message of the admission plugin OwnerReferencesPermissionEnforcement. Source: kubernetes plugin/pkg/admission/gc. */
const OWNERSHIP = "cannot set an ownerRef on a resource you can't delete";

/**
 * A 403 that is no policy's has four meanings: RBAC, a terminating namespace, a full quota, and a forbidden owner reference. Only the
 * message distinguishes the last two. Setting an owner reference may require the right to delete the object.
 */
function forbiddenCode(body: StatusBody | undefined): ErrorCode {
  if (body?.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')) return 'NamespaceTerminating';
  const message = body?.message ?? '';
  if (message.includes('exceeded quota:')) return 'QuotaExceeded';
  if (message.includes(OWNERSHIP)) return 'OwnershipDenied';
  return 'Forbidden';
}
