import { kindOf, type Child, type ChildKind, type Children } from '../children/kinds.ts';
import { GENERATION, isOwnAnnotation } from '../children/metadata.ts';
import { lastWriterOf } from '../plan/field-writers.ts';
import type { Operation } from '../plan/plan.ts';
import type { Website } from '../resource.ts';
import { LONGEST_QUOTE, shortened } from '../shortened.ts';
import { spanOf, type Announcement } from '../status/transition.ts';

/** A change that another writer made to a child of the current generation, and that the functions undid. */
export interface Repair {
  readonly kind: ChildKind;
  /** Paths of some of the fields. Logs may show paths, but no values. */
  readonly fields: readonly string[];
  /** For people. It shows only values that are public (`publicPaths`). */
  readonly note: string;
}

type Replacement = Extract<Operation, { verb: 'replace' }>;

/** Most fields, and most writers, that a note or a log line names. */
const MOST_NAMED = 5;

/** The writes that were repairs. @param before the children as they were read. */
export function repairsOf(website: Website, made: readonly Operation[], before: Children): Repair[] {
  return made.flatMap((operation) => {
    const have = before[operation.child.kind];
    const wasOurs = operation.verb === 'replace' && operation.takes === undefined;
    return wasOurs && have !== undefined && wasWritten(have, website) ? repair(operation, have) : [];
  });
}

/** Whether the child had been written for this generation. A child that is the same for every spec carries no generation. */
export function wasWritten(child: Child, { metadata, status }: Website): boolean {
  if (!kindOf(child.kind).dependsOnSpec) return status?.observedGeneration === metadata.generation;
  return child.metadata.annotations?.[GENERATION] === String(metadata.generation ?? 0);
}

/** The fields that an operation changed, as the history names them: `Deployment spec.replicas`. */
export const changedIn = (operation: Operation): string[] =>
  operation.verb !== 'replace'
    ? []
    : operation.changed.filter((path) => !isOwnAnnotation(path)).map((path) => `${operation.child.kind} ${path}`);

function repair({ child, changed }: Replacement, have: Child): Repair[] {
  const fields = changed.filter((path) => !isOwnAnnotation(path) && !isOurOwn(have, path));
  if (fields.length === 0) return [];
  const named = fields.slice(0, MOST_NAMED);
  const more = fields.length > MOST_NAMED ? ` and ${fields.length - MOST_NAMED} more` : '';
  const texts = named.map((path) => fieldText(path, have, child)).join(', ');
  const who = [...new Set(fields.flatMap((path) => othersThat(have, path)))].slice(0, MOST_NAMED).join(', ');
  const note = `Reverted a change of ${child.kind} ${child.metadata.name}: ${texts}${more}${who === '' ? '' : `; last written by ${who}`}`;
  return [{ kind: child.kind, fields: named, note }];
}

/**
 * Whether the functions wrote this value last. Then an admission policy changed it during the write, or another release desires
 * another value. Lists and objects never count: the API server still records a list as ours after somebody removed an item.
 */
const isOurOwn = (have: Child, path: string): boolean =>
  !isObject(valueAt(have, path)) && lastWriterOf(have, path)?.by === 'ours';

function othersThat(have: Child, path: string): string[] {
  const writer = lastWriterOf(have, path);
  return writer?.by === 'other' ? [shortened(writer.manager, LONGEST_QUOTE)] : [];
}

function fieldText(path: string, have: Child, want: Child): string {
  if (kindOf(want.kind).publicPaths?.test(path) !== true) return path;
  const [found, wanted] = [have, want].map((child) => shortened(String(valueAt(child, path)), LONGEST_QUOTE));
  return `${path} from ${found} to ${wanted}`;
}

const valueAt = (object: unknown, path: string): unknown =>
  (path.match(/[^.[\]]+/g) ?? []).reduce(
    (value: unknown, name) => (isObject(value) ? (value as Record<string, unknown>)[name] : undefined),
    object,
  );

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/**
 * The Event of a repair. All repairs of one child within ten minutes share one Event, because two writers may keep undoing each other's
 * changes. The metrics count every repair.
 */
export function announcementOf({ metadata: { uid } }: Website, { kind, note }: Repair, now: Date): Announcement {
  return { type: 'Normal', reason: 'Repaired', note, once: `${kind.toLowerCase()}-repaired.${uid}.${spanOf(now)}` };
}

/** The repairs as a log line names them: `Deployment spec.replicas`. */
export const repairedIn = ({ repairs }: { readonly repairs: readonly Repair[] }): { readonly repaired?: string[] } =>
  repairs.length === 0
    ? {}
    : { repaired: repairs.flatMap(({ kind, fields }) => fields.map((path) => `${kind} ${path}`)) };
