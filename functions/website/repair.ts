import { GENERATION, type Child, type ChildKind, type Children } from './children.ts';
import { lastWriterOf } from './field-writers.ts';
import type { Operation } from './plan.ts';
import { GROUP, PLURAL, type Website } from './resource.ts';
import { LONGEST_QUOTE, shortened } from './shortened.ts';
import type { Announcement } from './transition.ts';

/** The functions put a child right that they had written for this generation already, and that somebody else had changed. */
export interface Repair {
  readonly kind: ChildKind;
  /** Paths of some of the fields: a log may have them, and must not have the values. */
  readonly fields: readonly string[];
  /** For people. It has the values of replicas and images alone: others may be nobody's business. */
  readonly note: string;
}

type Replacement = Extract<Operation, { verb: 'replace' }>;

/** As many fields, and as many of those who wrote them, as a note or a line of the log names. */
const MOST_NAMED = 5;

/** The repairs among the writes that were made. @param before the children as they were read. */
export function repairsOf(website: Website, made: readonly Operation[], before: Children): Repair[] {
  return made.flatMap((operation) => {
    const have = childIn(before, operation.child.kind);
    const isOfOurs = operation.verb === 'replace' && operation.takes === undefined;
    return isOfOurs && have !== undefined && wasWritten(have, website) ? repair(operation, have) : [];
  });
}

function childIn({ deployment, service, ingress }: Children, kind: ChildKind): Child | undefined {
  return { Deployment: deployment, Service: service, Ingress: ingress }[kind];
}

/** Whether the child was as this generation wants it. A Service is the same for all of them, and is not stamped. */
function wasWritten(child: Child, { metadata, status }: Website): boolean {
  if (child.kind === 'Service') return status?.observedGeneration === metadata.generation;
  return child.metadata.annotations?.[GENERATION] === String(metadata.generation ?? 0);
}

/** The functions' own annotations, which change also while nobody else writes. */
const NOTES = `metadata.annotations.${PLURAL}.${GROUP}/`;

function repair({ child, changed }: Replacement, have: Child): Repair[] {
  const fields = changed.filter((path) => !path.startsWith(NOTES) && !isOurOwn(have, path));
  if (fields.length === 0) return [];
  const named = fields.slice(0, MOST_NAMED);
  const more = fields.length > MOST_NAMED ? ` and ${fields.length - MOST_NAMED} more` : '';
  const texts = named.map((path) => fieldText(path, have, child)).join(', ');
  const who = [...new Set(fields.flatMap((path) => othersThat(have, path)))].slice(0, MOST_NAMED).join(', ');
  const note = `Put ${child.kind} ${child.metadata.name} right: ${texts}${more}${who === '' ? '' : `; last written by ${who}`}`;
  return [{ kind: child.kind, fields: named, note }];
}

/**
 * Where the functions wrote a value last themselves, a policy changed it on its way, or another release wants another value. This
 * holds for plain values only: the API server still records a list as ours after somebody removed an item.
 */
const isOurOwn = (have: Child, path: string): boolean =>
  !isObject(valueAt(have, path)) && lastWriterOf(have, path)?.by === 'ours';

function othersThat(have: Child, path: string): string[] {
  const writer = lastWriterOf(have, path);
  return writer?.by === 'other' ? [shortened(writer.manager, LONGEST_QUOTE)] : [];
}

const SHOWN = /^spec\.replicas$|^spec\.template\.spec\.containers\[\d+\]\.image$/;

function fieldText(path: string, have: Child, want: Child): string {
  if (!SHOWN.test(path)) return path;
  const [found, wanted] = [have, want].map((child) => shortened(String(valueAt(child, path)), LONGEST_QUOTE));
  return `${path} from ${found} to ${wanted}`;
}

const valueAt = (object: unknown, path: string): unknown =>
  (path.match(/[^.[\]]+/g) ?? []).reduce(
    (value: unknown, name) => (isObject(value) ? (value as Record<string, unknown>)[name] : undefined),
    object,
  );

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** Two writers that fight would fill the list of Events: one in ten minutes says enough, and the metrics count the rest. */
const ONCE_IN_MS = 10 * 60_000;

/** What to announce of a repair: the same Event for all of a child within a span of time, whichever instance makes it. */
export function announcementOf({ metadata: { uid } }: Website, { kind, note }: Repair, now: Date): Announcement {
  const span = Math.floor(now.getTime() / ONCE_IN_MS);
  return { type: 'Normal', reason: 'Repaired', note, once: `${kind.toLowerCase()}-repaired.${uid}.${span}` };
}

/** How the line of the log of a reconcile names them: `Deployment spec.replicas`. */
export const repairedIn = ({ repairs }: { readonly repairs: readonly Repair[] }): { readonly repaired?: string[] } =>
  repairs.length === 0
    ? {}
    : { repaired: repairs.flatMap(({ kind, fields }) => fields.map((path) => `${kind} ${path}`)) };
