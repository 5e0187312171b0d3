import type { Child } from '../children/kinds.ts';
import type { ObjectMeta } from '../resource.ts';
import { MANAGER } from '../children/metadata.ts';

type Entry = NonNullable<ObjectMeta['managedFields']>[number];

/** The last writer of a field by `managedFields`. `ours`: only the functions wrote it. Undefined if no writer is recorded. */
export type Writer = { readonly by: 'ours' } | { readonly by: 'other'; readonly manager: string } | undefined;

/** @param path in the notation of `differences`, such as `spec.template.spec.containers[0].image`. */
export function lastWriterOf(child: Child, path: string): Writer {
  const entries = (child.metadata.managedFields ?? []).filter(({ fieldsV1 }) => holds(fieldsV1, child, path));
  const others = entries.filter(({ manager }) => manager !== MANAGER);
  const [last] = others.toSorted((one, other) => timeOf(other) - timeOf(one));
  if (last === undefined) return entries.length > 0 ? { by: 'ours' } : undefined;
  return last.manager === undefined ? undefined : { by: 'other', manager: last.manager };
}

/** An entry without a readable time counts as the oldest. */
const timeOf = ({ time = '' }: Entry): number => Date.parse(time) || 0;

/** Whether a manager's fields (`FieldsV1` of the API) include a path. An empty entry means that the manager owns the whole value. */
function holds(fields: unknown, value: unknown, path: string): boolean {
  if (!isRecord(fields)) return false;
  if (path === '' || Object.keys(fields).length === 0) return true;
  const [, index, rest = ''] = /^\[(\d+)\](.*)$/s.exec(path) ?? [];
  if (index === undefined) return hasField(fields, value, path.replace(/^\./, ''));
  const item = Array.isArray(value) ? (value[Number(index)] as unknown) : undefined;
  return Object.entries(fields).some(([key, part]) => isKeyOf(key, item) && holds(part, item, rest));
}

/** Compares prefixes, because a field name may contain dots, as the names of labels do. */
function hasField(fields: Readonly<Record<string, unknown>>, value: unknown, path: string): boolean {
  return Object.entries(fields).some(([key, part]) => {
    const name = key.slice('f:'.length);
    const rest = path.slice(name.length);
    const isOnPath = key.startsWith('f:') && path.startsWith(name) && /^([.[]|$)/.test(rest);
    return isOnPath && holds(part, isRecord(value) ? value[name] : undefined, rest);
  });
}

/** `k:{"name":"website"}` identifies a list item by some of its fields. */
function isKeyOf(key: string, item: unknown): boolean {
  if (!key.startsWith('k:') || !isRecord(item)) return false;
  const wanted = parsed(key.slice('k:'.length));
  return isRecord(wanted) && Object.entries(wanted).every(([name, value]) => item[name] === value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
