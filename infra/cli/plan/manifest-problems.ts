// What the API server would refuse in a manifest by the schema of Websites.
import * as z from 'zod';
import { differences } from '../../../functions/website/differences.ts';
import { NAME_RULES, websiteSpec, type Website } from '../../../functions/website/resource.ts';
import type { Manifest } from './manifests.ts';

/** As far as unknown fields matter. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
}

const SPEC = z.toJSONSchema(websiteSpec, { io: 'input' }) as Schema;

/**
 * Each problem names its field. A spec that is stored already stays as it is, even if it is invalid: the API server accepts it again.
 */
export function problemsOf({ key, spec }: Manifest, stored: Website | undefined): string[] {
  if (stored !== undefined && differences(stored.spec, spec).length === 0) return [];
  const name = NAME_RULES.filter(({ holds }) => !holds(key.name)).map(({ message }) => message);
  const unknown = unknownFields(spec, SPEC, 'spec').map((path) => `${path} is not a field of a Website`);
  const problems = [...name, ...unknown, ...invalidFields(spec, stored)];
  const more = problems.length - MOST_NAMED;
  return more > 0 ? [...problems.slice(0, MOST_NAMED), `${more} more`] : problems;
}

const MOST_NAMED = 10;

function invalidFields(spec: unknown, stored: Website | undefined): string[] {
  const issues = websiteSpec.safeParse(spec).error?.issues ?? [];
  return issues.flatMap(({ path, message }) => {
    const value = valueAt(spec, path);
    // The API server does not check again what was stored before the schema forbade it.
    if (value !== undefined && path.length > 0 && differences(value, valueAt(stored?.spec, path)).length === 0)
      return [];
    const text = ['spec', ...path].reduce<string>((left, part) => joined(left, part), '');
    return value === undefined && message.endsWith('received undefined') ? `${text} is missing` : `${text}: ${message}`;
  });
}

const joined = (left: string, part: PropertyKey): string => {
  if (typeof part === 'number') return `${left}[${part}]`;
  return left === '' ? String(part) : `${left}.${String(part)}`;
};

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (part, name) =>
      typeof part === 'object' && part !== null ? (part as Record<PropertyKey, unknown>)[name] : undefined,
    value,
  );

/** The paths of fields that the schema does not have. `kubectl apply` refuses them, because they are often misspelt. */
function unknownFields(value: unknown, schema: Schema, path: string): string[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) =>
      schema.items === undefined ? [] : unknownFields(item, schema.items, `${path}[${index}]`),
    );
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => {
    const known = ownProperty(schema, name) ?? schema.additionalProperties;
    const place = joined(path, name);
    if (known !== undefined) return unknownFields(part, known, place);
    return schema.properties === undefined ? [] : [place];
  });
}

const ownProperty = ({ properties = {} }: Schema, name: string): Schema | undefined =>
  Object.hasOwn(properties, name) ? properties[name] : undefined;
