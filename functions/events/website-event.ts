import * as z from 'zod';
import type { Versions } from '../website/children.ts';
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

/** Why an event was sent. It explains; all that it decides is how much is read first. */
export const REASONS = ['first-seen', 'spec-changed', 'child-drifted', 'requested', 'retry', 'deleted'] as const;
export type Reason = (typeof REASONS)[number];

/** What the API server makes is far shorter. */
const LONGEST_ID = 253;

/** What every event carries: a reference to one Website and no part of its spec. */
export const eventData = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal(KIND),
  ...websiteKey.shape,
  uid: z.string().min(1).max(LONGEST_ID),
  /** A hint that saves a read: one that can be none counts as absent. */
  resourceVersion: z
    .string()
    .regex(/^\d{1,20}$/)
    .optional()
    .catch(undefined),
  generation: z.int().optional(),
  reason: z.enum(REASONS),
  /** The kind of the child that drifted last, or `Ingress` where one drifted before. */
  childKind: z.enum(['Deployment', 'Service', 'Ingress']).optional(),
  /** The kinds of all that the event tells of. Anything may have changed where this is absent. */
  changed: z.array(z.enum(['Website', 'Deployment', 'Service', 'Ingress'])).optional(),
});
export type EventData = z.output<typeof eventData>;

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
      readonly reason?: Reason;
      readonly childKind?: EventData['childKind'];
      readonly changed?: EventData['changed'];
      /** Of the Website, when it was seen. */
      readonly resourceVersion?: string | undefined;
    }
  | { readonly kind: 'resync'; readonly of: 'its cluster' | 'all clusters' }
  | { readonly kind: 'ignore'; readonly why: string };

/** An event that cannot be acted on whoever sends it again. The message names the attribute or field. */
export class InvalidEventError extends Error {
  override readonly name = 'InvalidEventError';
}

/** The attributes that are read; everything else that an event carries is tolerated and unused. */
export interface EventAttributes {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string | undefined;
  /** Parses the data, which only an event of ours needs: anything may stand in the others'. @throws when it cannot be read. */
  readonly data?: () => unknown;
}

const OUR_TYPES: ReadonlySet<string> = new Set([EVENT_TYPES.changed, EVENT_TYPES.deleted, EVENT_TYPES.drifted]);
/** Source: knative/eventing pkg/apis/sources/constants.go. */
const KNATIVE_TYPE = /^dev\.knative\.apiserver\.(resource|ref)\.(add|update|delete)$/;
/** A clock's: its source is no cluster. */
const PING_TYPE = 'dev.knative.sources.ping';

/**
 * Reads what an event asks for. Only the key is taken from it: the rest is read from the cluster, so a forged or stale
 * event can ask for nothing but a look at an object that may or may not be there.
 * @throws InvalidEventError when a known type comes with a subject or data that do not name a Website.
 */
export function requestOf(event: EventAttributes): Request {
  if (event.type === EVENT_TYPES.resync) return { kind: 'resync', of: 'its cluster' };
  if (event.type === PING_TYPE) return { kind: 'resync', of: 'all clusters' };
  if (OUR_TYPES.has(event.type)) {
    const data = eventData.safeParse(event.data?.());
    if (!data.success) throw new InvalidEventError(`data${fieldMessage(data.error)}`);
    const { namespace, name, reason, childKind, changed, resourceVersion } = data.data;
    return { kind: 'reconcile', key: { namespace, name }, reason, childKind, changed, resourceVersion };
  }
  if (KNATIVE_TYPE.test(event.type)) return knativeRequest(event.subject);
  return { kind: 'ignore', why: `unknown event type ${JSON.stringify(event.type.slice(0, 128))}` };
}

/** ApiServerSource names the object in `subject`; with its two modes, `data` is the object or a reference to it. */
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

/**
 * Names the header of a reply that says what its outcome rests on: `Website=12, Deployment=15`. A change up to one of these
 * versions needs no other look.
 */
export const VERSIONS_HEADER = 'website-versions';

export const versionsText = (versions: Versions): string =>
  Object.entries(versions)
    .map(([kind, version]) => `${kind}=${version}`)
    .join(', ');

/** The versions in a header's text; what is none is left out. */
export const versionsFrom = (text: string): Versions =>
  Object.fromEntries(
    [...text.matchAll(/\b(Website|Deployment|Service|Ingress)=(\d{1,20})\b/g)].map(([, kind, version]) => [
      kind,
      version,
    ]),
  );

/**
 * The body of the answer to a batch: the answer to each of its events, in their order. A sender that reads nothing but the status
 * has the worst of them.
 */
export const batchAnswers = z.array(
  z.object({ status: z.int().min(100).max(599), headers: z.record(z.string(), z.string()) }),
);
