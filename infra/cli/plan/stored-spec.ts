// Which parts of a spec are stored already. The API server does not check them again.
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { websiteSpec } from '../../../functions/website/resource.ts';

/** As far as a plan needs it. */
export interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly default?: unknown;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
}

export const SPEC = z.toJSONSchema(websiteSpec, { io: 'input' }) as Schema;

export const ownProperty = ({ properties = {} }: Schema, name: string): Schema | undefined =>
  Object.hasOwn(properties, name) ? properties[name] : undefined;

const partOf = (schema: Schema, name: string): Schema => ownProperty(schema, name) ?? schema.additionalProperties ?? {};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Whether the API server would store this value as it is stored. It adds the defaults. */
export function isUnchanged(value: unknown, stored: unknown, schema: Schema): boolean {
  if (Array.isArray(value) && Array.isArray(stored)) {
    const { items = {} } = schema;
    return value.length === stored.length && value.every((item, index) => isUnchanged(item, stored[index], items));
  }
  if (!isRecord(value) || !isRecord(stored)) return isDeepStrictEqual(value ?? schema.default, stored);
  const names = Object.keys({ ...value, ...stored });
  return names.every((name) => isUnchanged(value[name], stored[name], partOf(schema, name)));
}

/** The fields that tell this item of a list from the others. */
export const keysOf = (item: object, { 'x-kubernetes-list-map-keys': names = [] }: Schema): [string, unknown][] =>
  names.map((name) => [name, (item as Record<string, unknown>)[name]]);

export const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (part, name) =>
      typeof part === 'object' && part !== null ? (part as Record<PropertyKey, unknown>)[name] : undefined,
    value,
  );

/** The stored value of a part of the spec. Undefined if there is no stored value, as for an item of a list that has changed. */
export function correlated(
  spec: unknown,
  storedSpec: unknown,
  path: readonly PropertyKey[],
): { readonly value: unknown; readonly schema: Schema } | undefined {
  let [value, stored, schema] = [spec, storedSpec, SPEC];
  for (const part of path) {
    if (Array.isArray(value)) {
      stored = storedItem(value, Number(part), stored, schema);
      schema = schema.items ?? {};
    } else {
      stored = isRecord(stored) ? stored[String(part)] : undefined;
      schema = partOf(schema, String(part));
    }
    if (stored === undefined) return undefined;
    value = valueAt(value, [part]);
  }
  return { value: stored, schema };
}

function storedItem(list: readonly unknown[], index: number, stored: unknown, schema: Schema): unknown {
  if (!Array.isArray(stored)) return undefined;
  if (schema['x-kubernetes-list-type'] !== 'map')
    return isUnchanged(list, stored, schema) ? (stored as unknown[])[index] : undefined;
  const item = list[index];
  if (!isRecord(item)) return undefined;
  const keys = keysOf(item, schema);
  return stored.find((other: unknown) => isRecord(other) && isDeepStrictEqual(keysOf(other, schema), keys));
}
