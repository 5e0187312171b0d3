// Specs that nobody thought of, made from the CRD's own schema: valid ones with a liking for the bounds, and broken ones.
import fc from 'fast-check';
import { customResourceDefinition } from '../../crds/generate.ts';

/** A structural schema, as far as values are generated from it. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string }[];
}

const TEXTS = 64;
const MATCHES = /self\.matches\(r'(.*)'\)$/;
/** `has(self.host) || !has(self.tlsSecretName)` */
const NEEDS = /^has\(self\.(\w+)\) \|\| !has\(self\.(\w+)\)$/;

export const specSchema = schemaOfSpec();

function schemaOfSpec(): Schema {
  const [version] = customResourceDefinition().spec.versions;
  if (version === undefined) throw new Error('The CRD has no version');
  return version.schema.openAPIV3Schema.properties.spec;
}

export type Spec = Readonly<Record<string, unknown>>;

/** Fields that need another field. Rules of any other form are not known here. */
const dependents = (specSchema['x-kubernetes-validations'] ?? []).flatMap(({ rule }) => {
  const [, needed, field] = NEEDS.exec(rule) ?? [];
  return needed === undefined || field === undefined ? [] : [{ field, needed }];
});
const unmetIn = (spec: Spec): string[] =>
  dependents.flatMap(({ field, needed }) => (field in spec && !(needed in spec) ? [field] : []));

/** Whether each field has the other field that it needs. */
export const keepsRules = (spec: Spec): boolean => unmetIn(spec).length === 0;

/** Any spec that the schema admits, its rules between fields included. */
export const anySpec: fc.Arbitrary<Spec> = (anyValue(specSchema, 'spec') as fc.Arbitrary<Spec>).map((spec) => {
  const unmet = unmetIn(spec);
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !unmet.includes(name)));
});

/**
 * Any value that this part of the schema admits. It may break a rule between fields.
 * @param path names the part in errors, such as `spec.env[].value`
 */
export function anyValue(of: Schema, path: string): fc.Arbitrary<unknown> {
  if (of.enum !== undefined) return fc.constantFrom(...of.enum);
  if (of['x-kubernetes-int-or-string'] === true) return fc.oneof(fc.integer({ min: 0, max: 64 }), text(of));
  if (of.properties !== undefined) return object(of.properties, of.required ?? [], path);
  if (of.items !== undefined) return list(of, anyValue(of.items, `${path}[]`));
  switch (of.type) {
    case 'integer':
      return bounded(of);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return text(of);
    default:
      throw new Error(`generated.ts knows no values for ${path}`);
  }
}

function object(properties: Required<Schema>['properties'], required: readonly string[], path: string) {
  const values = Object.entries(properties).map(([name, each]) => [name, anyValue(each, `${path}.${name}`)] as const);
  return fc.record(Object.fromEntries(values), { requiredKeys: [...required] });
}

function list(of: Schema, item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.uniqueArray(item, { maxLength: 4, selector: (each) => keyOf(of, each) });
}

/** What is unique to an item of a list. */
export function keyOf({ 'x-kubernetes-list-map-keys': [key] = [] }: Schema, item: unknown): unknown {
  return key === undefined ? item : (item as Record<string, unknown>)[key];
}

/** Mostly anything, and each bound now and then. */
function bounded({ minimum = 0, maximum = 2 ** 31 - 1 }: Schema): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: minimum, max: maximum }) },
    { weight: 1, arbitrary: fc.constantFrom(minimum, maximum) },
  );
}

function text({
  pattern,
  maxLength = 64,
  minLength = 0,
  'x-kubernetes-validations': rules = [],
}: Schema): fc.Arbitrary<string> {
  const form = rules.map(({ rule }) => MATCHES.exec(rule)?.[1]).find((rule) => rule !== undefined) ?? pattern;
  if (form === undefined) return fc.string({ maxLength: Math.min(maxLength, 64) });
  // To make a text from its form takes long, so there are some of each, and not new ones every time.
  const any = fc.stringMatching(new RegExp(form), { maxLength: 64 });
  const fitting = any.filter((value) => value.length >= minLength && value.length <= maxLength);
  return fc.constantFrom(...fc.sample(fitting, { numRuns: TEXTS, seed: 1 }));
}

/** One thing that is wrong in a field. */
const BROKEN_FIELDS: readonly Spec[] = [
  { image: '' },
  { image: 'nginx:1\nprivileged: true' },
  { image: 'nginx 1' },
  { image: 'a'.repeat(513) },
  { image: undefined },
  { image: 7 },
  { replicas: -1 },
  { replicas: 1001 },
  { replicas: 1.5 },
  { replicas: '3' },
  { replicas: undefined },
  { port: 0 },
  { port: 65_536 },
  { env: [{ name: '' }] },
  { env: [{ name: 'A=B', value: '' }] },
  { env: [{ value: 'x' }] },
  { env: Array.from({ length: 5 }, (_, index) => ({ name: `V${index}`, value: 'x'.repeat(32_768) })) },
  { resources: { limits: { cpu: '-1' } } },
  { resources: { requests: { memory: '1 Gi' } } },
  { host: 'UPPER.example.com' },
  { host: 'example.com:80' },
  { host: '../x' },
  { securityProfile: 'privileged' },
  { suspend: 'yes' },
];
/** One thing that is wrong between fields or items: the schema of the API server alone knows of these, and we take no notice of them. */
const BROKEN_TOGETHER: readonly Spec[] = [
  { env: [{ name: 'A' }, { name: 'A' }] },
  { host: undefined, tlsSecretName: 'tls' },
  { host: undefined, ingressClassName: 'nginx' },
];

const broken = (ways: readonly Spec[]): fc.Arbitrary<Spec> =>
  fc.tuple(anySpec, fc.constantFrom(...ways)).map(([spec, wrong]) => ({ ...spec, ...wrong }));

/** Specs with one thing wrong, which the API server has to refuse. */
export const refusedSpec = broken([...BROKEN_FIELDS, ...BROKEN_TOGETHER]);
/** Those of them that mean nothing, wherever they come from. */
export const brokenSpec = broken(BROKEN_FIELDS);
