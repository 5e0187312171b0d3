// What the API server would refuse in a manifest by the schema of Websites.
import type * as z from 'zod';
import { NAME_RULES, websiteSpec, type Website } from '../../../functions/website/resource.ts';
import { correlated, isUnchanged, keysOf, ownProperty, SPEC, valueAt, type Schema } from './stored-spec.ts';
import type { Manifest } from './manifests.ts';

/**
 * Each problem names its field. A spec that is stored already stays as it is, even if it is invalid: the API server accepts it again.
 */
export function problemsOf({ key, spec }: Manifest, stored: Website | undefined): string[] {
  if (stored !== undefined && isUnchanged(spec, stored.spec, SPEC)) return [];
  const name = NAME_RULES.filter(({ holds }) => !holds(key.name)).map(({ message }) => message);
  const unknown = unknownFields(spec, SPEC, 'spec').map((path) => `${path} is not a field of a Website`);
  // The API server takes no notice of duplicates if the stored spec has some.
  const duplicates = duplicateItems(stored?.spec, SPEC, 'spec').length > 0 ? [] : duplicateItems(spec, SPEC, 'spec');
  const problems = [...name, ...unknown, ...duplicates, ...invalidFields(spec, stored)];
  const more = problems.length - MOST_NAMED;
  return more > 0 ? [...problems.slice(0, MOST_NAMED), `${more} more`] : problems;
}

const MOST_NAMED = 10;

function invalidFields(spec: unknown, stored: Website | undefined): string[] {
  const issues = websiteSpec.safeParse(spec).error?.issues ?? [];
  return issues.flatMap((issue) => {
    const { path, message } = issue;
    if (isStored(spec, stored, judgedPath(issue))) return [];
    const value = valueAt(spec, path);
    const text = ['spec', ...path].reduce<string>((left, part) => joined(left, part), '');
    return value === undefined && message.endsWith('received undefined') ? `${text} is missing` : `${text}: ${message}`;
  });
}

/** The part of the spec that a rule judges. A rule between fields names one of them, but judges the object around them. */
function judgedPath(issue: z.core.$ZodIssue): readonly PropertyKey[] {
  const depth = issue.code === 'custom' ? Number(issue.params?.['depth'] ?? 0) : 0;
  return issue.path.slice(0, issue.path.length - depth);
}

/** The API server does not check again what was stored before the schema forbade it. */
function isStored(spec: unknown, stored: Website | undefined, path: readonly PropertyKey[]): boolean {
  const value = valueAt(spec, path);
  if (path.length === 0 || value === undefined) return false;
  const before = correlated(spec, stored?.spec, path);
  return before !== undefined && isUnchanged(value, before.value, before.schema);
}

/** Items of a list with the key of an earlier item, and values of a set that are there twice. */
function duplicateItems(value: unknown, schema: Schema, path: string): string[] {
  if (Array.isArray(value)) {
    const { items = {} } = schema;
    const keys = value.map((item: unknown) => keyText(item, schema));
    const again = keys.flatMap((key, index) =>
      key === undefined || keys.indexOf(key) === index ? [] : `${path}[${index}]: Duplicate value: ${key}`,
    );
    return [...again, ...value.flatMap((item, index) => duplicateItems(item, items, `${path}[${index}]`))];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) =>
    duplicateItems(part, ownProperty(schema, name) ?? {}, joined(path, name)),
  );
}

/** What is unique to an item. Undefined for an item of a list that may repeat. */
function keyText(item: unknown, schema: Schema): string | undefined {
  if (schema['x-kubernetes-list-type'] === 'set') return JSON.stringify(item);
  if (schema['x-kubernetes-list-type'] !== 'map' || typeof item !== 'object' || item === null) return undefined;
  return JSON.stringify(Object.fromEntries(keysOf(item, schema)));
}

const joined = (left: string, part: PropertyKey): string => {
  if (typeof part === 'number') return `${left}[${part}]`;
  return left === '' ? String(part) : `${left}.${String(part)}`;
};

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
