// v1 only grows: this CRD admits everything that the last release's CRD admits, with the same meaning.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { customResourceDefinition } from '../crds/generate.ts';
import { websiteSpec } from '../functions/website/resource.ts';
import { previousSchema } from './fixtures/previous-release.ts';
import { anyValue, type Schema, type Spec } from './website/generated.ts';

type Node = Schema & { readonly default?: unknown; readonly maxItems?: number; readonly maxProperties?: number };

const LOWER_BOUNDS = ['minimum', 'minLength', 'minItems', 'minProperties'];
const UPPER_BOUNDS = ['maximum', 'maxLength', 'maxItems', 'maxProperties'];
/** Keywords that must not change, because they decide what a value means. */
const UNCHANGED = [
  'type',
  'format',
  'default',
  'nullable',
  'pattern',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-int-or-string',
];

/** Every way in which the new schema admits less than the old one, or changes the meaning of what it admits. */
function breaks(before: Node, now: Node | undefined, path: string): string[] {
  if (now === undefined) return [`${path} is gone`];
  const [old, present] = [before, now] as unknown as Record<string, unknown>[] as [Spec, Spec];
  const required = (now.required ?? []).filter((name) => before.required?.includes(name) !== true);
  const values = (before.enum ?? []).filter((value) => now.enum?.includes(value) === false);
  return [
    ...required.map((name) => `${path}.${name} is required`),
    ...values.map((value) => `${path} no longer admits ${value}`),
    ...(before.enum === undefined && now.enum !== undefined ? [`${path} admits only some values`] : []),
    ...LOWER_BOUNDS.filter((bound) => Number(present[bound] ?? -Infinity) > Number(old[bound] ?? -Infinity)),
    ...UPPER_BOUNDS.filter((bound) => Number(present[bound] ?? Infinity) < Number(old[bound] ?? Infinity)),
    ...rulesOf(before, now).map((rule) => `${path} has the new rule ${rule}`),
    ...UNCHANGED.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(present[name])),
  ]
    .map((what) => (what.startsWith(path) ? what : `${path}: ${what} is not what it was`))
    .concat(partsOf(before, now).flatMap(([name, part, other]) => breaks(part, other, `${path}${name}`)));
}

/** New rules about old fields alone. The property below tries those that name a new field too. */
function rulesOf(before: Node, now: Node): string[] {
  const known = new Set(before['x-kubernetes-validations']?.map(({ rule }) => rule));
  const isNew = (name: string) => now.properties?.[name] !== undefined && before.properties?.[name] === undefined;
  return (now['x-kubernetes-validations'] ?? [])
    .map(({ rule }) => rule)
    .filter((rule) => !known.has(rule) && ![...rule.matchAll(/self\.(\w+)/g)].some(([, name = '']) => isNew(name)));
}

/** The children of a node of the old schema, each with its counterpart in the new one. */
function partsOf(before: Node, now: Node): [name: string, before: Node, now: Node | undefined][] {
  const properties = Object.entries(before.properties ?? {});
  return [
    ...properties.map(([name, part]): [string, Node, Node | undefined] => [`.${name}`, part, now.properties?.[name]]),
    ...(before.items === undefined ? [] : [['[]', before.items, now.items] as [string, Node, Node | undefined]]),
  ];
}

function presentSchema(): Node {
  const [version] = customResourceDefinition().spec.versions;
  if (version === undefined) throw new Error('The CRD has no version');
  return version.schema.openAPIV3Schema;
}

it('The CRD removes, requires, tightens and changes nothing that the last release admits', () => {
  expect(breaks(previousSchema(), presentSchema(), 'website')).toEqual([]);
});

it('The functions accept every spec that the last release admits', () => {
  const schema = previousSchema().properties?.['spec'] ?? {};
  fc.assert(
    fc.property(anyValue(schema, 'spec') as fc.Arbitrary<Spec>, (spec) => {
      const { host, tlsSecretName: _, ingressClassName: __, ...rest } = spec;
      const { error } = websiteSpec.safeParse(host === undefined ? rest : spec);
      expect(error).toBeUndefined();
    }),
  );
});

it.each<[string, Node, Node, string]>([
  ['a new required field', { properties: {} }, { required: ['a'] }, 'x.a is required'],
  ['a removed field', { properties: { a: {} } }, { properties: {} }, 'x.a is gone'],
  ['a smaller maximum', { maximum: 5 }, { maximum: 4 }, 'x: maximum is not what it was'],
  ['a new bound', {}, { maxLength: 4 }, 'x: maxLength is not what it was'],
  ['a larger minimum', { items: { minimum: 0 } }, { items: { minimum: 1 } }, 'x[]: minimum is not what it was'],
  ['a removed value', { enum: ['a', 'b'] }, { enum: ['a'] }, 'x no longer admits b'],
  ['a new rule', {}, { 'x-kubernetes-validations': [{ rule: 'self > 1' }] }, 'x has the new rule self > 1'],
  ['a changed default', { default: false }, { default: true }, 'x: default is not what it was'],
])('The comparison detects %s', (_, before, now, message) => {
  expect(breaks(before, now, 'x')).toContain(message);
});
