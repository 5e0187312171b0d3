import type { Child } from './children/kinds.ts';
import type { ObjectMeta } from './resource.ts';
import { MANAGER } from './children/metadata.ts';

type Entry = NonNullable<ObjectMeta['managedFields']>[number];

/** Who wrote a field last, as far as the API server recorded it. `ours`: we alone. Nothing where it recorded nobody. */
export type Writer = { readonly by: 'ours' } | { readonly by: 'other'; readonly manager: string } | undefined;

/** @param path as `differences` names it, such as `spec.template.spec.containers[0].image`. */
export function lastWriterOf(child: Child, path: string): Writer {
  const entries = (child.metadata.managedFields ?? []).filter(({ fieldsV1 }) => holds(fieldsV1, child, path));
  const others = entries.filter(({ manager }) => manager !== MANAGER);
  const [last] = others.toSorted((one, other) => timeOf(other) - timeOf(one));
  if (last === undefined) return entries.length > 0 ? { by: 'ours' } : undefined;
  return last.manager === undefined ? undefined : { by: 'other', manager: last.manager };
}

/** One without a time, or with one that cannot be read, is the oldest. */
const timeOf = ({ time = '' }: Entry): number => Date.parse(time) || 0;

/** Whether a manager's fields (`FieldsV1` of the API) include a path. A field without parts was written as a whole. */
function holds(fields: unknown, value: unknown, path: string): boolean {
  if (!isRecord(fields)) return false;
  if (path === '' || Object.keys(fields).length === 0) return true;
  const [, index, behind = ''] = /^\[(\d+)\](.*)$/s.exec(path) ?? [];
  if (index === undefined) return hasField(fields, value, path.replace(/^\./, ''));
  const item = Array.isArray(value) ? (value[Number(index)] as unknown) : undefined;
  return Object.entries(fields).some(([key, part]) => isKeyOf(key, item) && holds(part, item, behind));
}

/** A name may have dots in it, as those of labels have. */
function hasField(fields: Readonly<Record<string, unknown>>, value: unknown, path: string): boolean {
  return Object.entries(fields).some(([key, part]) => {
    const name = key.slice('f:'.length);
    const behind = path.slice(name.length);
    const leads = key.startsWith('f:') && path.startsWith(name) && /^([.[]|$)/.test(behind);
    return leads && holds(part, isRecord(value) ? value[name] : undefined, behind);
  });
}

/** `k:{"name":"website"}` names an item of a list by some of its fields. */
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
