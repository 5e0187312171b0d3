import * as z from 'zod';
import {
  CARRIER,
  isChildKind,
  isOptional,
  type ChildKind,
  type SeenVersions,
  type Versions,
} from '../website/children/kinds.ts';
import { SCOPES, scopeAfter, type Scope } from '../website/run/scope.ts';
import { API_VERSION, GROUP, KIND, PLURAL, VERSION, websiteKey, type WebsiteKey } from '../website/resource.ts';

/** CloudEvents types that our forwarder sends. */
export const EVENT_TYPES = {
  changed: 'com.example.stable.website.changed',
  deleted: 'com.example.stable.website.deleted',
  drifted: 'com.example.stable.website.drifted',
  resync: 'com.example.stable.websites.resync',
} as const;

/** Type of the opt-in reply event. */
export const RECONCILED_TYPE = 'com.example.stable.website.reconciled';

/** Why an event was sent. For the functions it is a hint about what to read. With `deleted`, they read nothing. */
export const REASONS = ['first-seen', 'spec-changed', 'child-drifted', 'requested', 'retry', 'deleted'] as const;
export type Reason = (typeof REASONS)[number];

/** Objects whose change an event reports. */
type ChangedKind = 'Website' | ChildKind;

/** The data of every event that names one Website: a reference to it, and no part of its spec. */
export interface EventData {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: typeof KIND;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string | undefined;
  readonly generation?: number | undefined;
  readonly reason: Reason;
  /** The kind of the last child that changed. An optional kind takes precedence over any other. */
  readonly childKind?: ChildKind | undefined;
  /** The kinds of all objects that changed. Absent when any object may have changed. */
  readonly changed?: readonly ChangedKind[] | undefined;
  /** What the sender last saw of the Deployment. It may save the receiver a read. */
  readonly versions?: SeenVersions | undefined;
}

/** The uids that the API server assigns are far shorter. */
const LONGEST_ID = 253;

/** Placeholder for a reason or kind that is not a string. It counts as unknown. */
const UNREADABLE = '';

const versionText = z
  .string()
  .regex(/^\d{1,20}$/)
  .optional()
  .catch(undefined);

/**
 * How event data is read. Only what names the Website must be valid. The rest is a hint. Releases can be mixed, so a receiver that does
 * not know or cannot read a reason or a kind reads everything (`requestOf`).
 */
const eventData = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  ...websiteKey.shape,
  uid: z.string().min(1).max(LONGEST_ID),
  // Versions only save reads, so text that cannot be a version counts as absent.
  resourceVersion: versionText,
  versions: z
    .object({ [CARRIER]: z.null().or(versionText) })
    .optional()
    .catch(undefined),
  reason: z.string().catch(UNREADABLE),
  childKind: z.string().optional().catch(UNREADABLE),
  changed: z.array(z.string()).optional().catch([UNREADABLE]),
});

/** `source` of every event of one cluster. */
export const sourceOf = (cluster: string): string => `/clusters/${cluster}/apis/${API_VERSION}`;

/** `subject`, in the form that Knative's ApiServerSource uses too. */
export const subjectOf = ({ namespace, name }: WebsiteKey): string =>
  `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}/${name}`;

const SUBJECT = new RegExp(`^/apis/${GROUP}/${VERSION}/namespaces/([^/]+)/${PLURAL}/([^/]+)$`);

/** What an event asks for. */
export type Request =
  | {
      readonly kind: 'reconcile';
      readonly key: WebsiteKey;
      /** Absent when the event has no reason, or a reason that this release does not know. */
      readonly reason?: Reason | undefined;
      /** What to read first. */
      readonly scope?: Scope;
      /** Version of the Website that the sender saw. */
      readonly resourceVersion?: string | undefined;
      readonly versions?: SeenVersions | undefined;
    }
  | { readonly kind: 'resync'; readonly of: 'its cluster' | 'all clusters' }
  | { readonly kind: 'ignore'; readonly why: string };

/** The event is invalid, and a retry cannot help. The message names the attribute or field. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
}

/** The attributes that the functions read. An event may carry others. */
export interface EventAttributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string | undefined;
  /** The W3C trace context of the sender's span, unchecked. */
  readonly traceparent?: string | undefined;
  /** Parses the data. Only the data of our own types is parsed, because other types may carry anything. @throws if it is malformed. */
  readonly data?: () => unknown;
}

const OUR_TYPES: ReadonlySet<string> = new Set([EVENT_TYPES.changed, EVENT_TYPES.deleted, EVENT_TYPES.drifted]);
/** Source: knative/eventing pkg/apis/sources/constants.go. */
const KNATIVE_TYPE = /^dev\.knative\.apiserver\.(resource|ref)\.(add|update|delete)$/;
/** Sent by a timer, so its source is no cluster. */
const PING_TYPE = 'dev.knative.sources.ping';

/**
 * Reads what an event asks for. The key names an object to look at, and the rest is a hint about what to read first. The functions
 * read the truth from the cluster, so a forged or stale event can only make them look.
 * @throws InvalidEventError if an event of a known type has a subject or data that does not name a Website.
 */
export function requestOf(event: EventAttributes): Request {
  if (event.type === EVENT_TYPES.resync) return { kind: 'resync', of: 'its cluster' };
  if (event.type === PING_TYPE) return { kind: 'resync', of: 'all clusters' };
  if (OUR_TYPES.has(event.type)) {
    const data = eventData.safeParse(event.data?.());
    if (!data.success) throw new InvalidEventError(`data${fieldMessage(data.error)}`);
    const { namespace, name, resourceVersion, versions } = data.data;
    const reason = REASONS.find((known) => known === data.data.reason);
    return {
      kind: 'reconcile',
      key: { namespace, name },
      reason,
      scope: scopeFor(data.data),
      resourceVersion,
      versions,
    };
  }
  if (KNATIVE_TYPE.test(event.type)) return knativeRequest(event.subject);
  return { kind: 'ignore', why: `unknown event type ${JSON.stringify(event.type.slice(0, 128))}` };
}

/** A Website that the forwarder sees for the first time most likely has no children yet. */
function scopeFor({ reason, childKind, changed = [] }: z.output<typeof eventData>): Scope {
  const kinds = [...changed, ...(childKind === undefined ? [] : [childKind])];
  const isKnown = REASONS.some((known) => known === reason) && kinds.every(isChangedKind);
  if (!isKnown) return SCOPES.everything;
  if (reason === 'first-seen') return SCOPES.nothing;
  const isOptionalChild = childKind !== undefined && isChildKind(childKind) && isOptional(childKind);
  return scopeAfter((isOptionalChild ? kinds : changed).filter(isChangedKind));
}

const isChangedKind = (kind: string): kind is ChangedKind => kind === KIND || isChildKind(kind);

/** ApiServerSource names the object in `subject`. Its `data` is the object or a reference, depending on its mode. */
function knativeRequest(subject: string | undefined): Request {
  if (subject === undefined) throw new InvalidEventError('subject is missing');
  const [, namespace, name] = SUBJECT.exec(subject) ?? [];
  if (namespace === undefined) return { kind: 'ignore', why: 'the subject is not a Website' };
  const key = websiteKey.safeParse({ namespace, name });
  if (!key.success) throw new InvalidEventError(`subject${fieldMessage(key.error)}`);
  return { kind: 'reconcile', key: key.data };
}

/** The first issue as `.field message`. */
function fieldMessage(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined
    ? ' is invalid'
    : `${issue.path.map((part) => `.${String(part)}`).join('')}: ${issue.message}`;
}

/** Reply header with the versions that the outcome rests on: `Website=12, Deployment=15`. Changes up to these need no other event. */
export const VERSIONS_HEADER = 'website-versions';

export const versionsText = (versions: Versions): string =>
  Object.entries(versions)
    .map(([kind, version]) => `${kind}=${version}`)
    .join(', ');

/** The versions in the text of a header. It skips kinds that this release does not know, and all other text. */
export const versionsFrom = (text: string): Versions =>
  Object.fromEntries(
    [...text.matchAll(/\b(\w{1,63})=(\d{1,20})\b/g)].flatMap(([, kind = '', version]) =>
      isChangedKind(kind) ? [[kind, version]] : [],
    ),
  );

/**
 * Body of the response to a batch: the answers to its events, in order. The response's own status is the worst of them, for senders
 * that ignore the body.
 */
export const batchAnswers = z.array(
  z.object({ status: z.int().min(100).max(599), headers: z.record(z.string(), z.string()) }),
);
