// Specs generated from the CRD's own schema: valid ones, often with values at the bounds, and broken ones.
import fc from 'fast-check';
import { customResourceDefinition } from '../../crds/generate.ts';
import { websiteSpec } from '../../functions/website/resource.ts';

/** A structural schema, as far as values are generated from it. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema;
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
const textsOf = new Map<string, readonly string[]>();
const MATCHES = /self\.matches\(r'(.*)'\)$/;
/** `has(self.a) != has(self.b)`: one of them. `!has(self.a) || !has(self.b)`: one at most. */
const EITHER = /^!?has\(self\.(\w+)\) (!=|\|\|(?= !)) !?has\(self\.(\w+)\)$/;
/** `[has(self.a), has(self.b), has(self.c)].filter(each, each).size() == 1`: one of them. */
const ONE_OF = /^\[(has\(self\.\w+\)(?:, has\(self\.\w+\))*)\]\.filter\(each, each\)\.size\(\) == 1$/;

/** `has(self.a) || has(self.b)`: one at least. */
const AT_LEAST = /^has\(self\.(\w+)\) \|\| has\(self\.(\w+)\)$/;

export const specSchema = schemaOfSpec();

function schemaOfSpec(): Schema {
  const [version] = customResourceDefinition().spec.versions;
  if (version === undefined) throw new Error('The CRD has no version');
  return version.schema.openAPIV3Schema.properties.spec;
}

export type Spec = Readonly<Record<string, unknown>>;

/** Whether the rules between fields hold as well. */
export const keepsRules = (spec: Spec): boolean => websiteSpec.safeParse(spec).success;

/** Any spec that the schema admits, its rules between fields included. */
export const anySpec: fc.Arbitrary<Spec> = (anyValue(specSchema, 'spec') as fc.Arbitrary<Spec>).map(repaired);

/** Leaves out what breaks a rule between fields: it is optional wherever there is such a rule. Only `replicas` may be missing after that. */
function repaired(spec: Spec): Spec {
  const [issue] = websiteSpec.safeParse(spec).error?.issues ?? [];
  if (issue === undefined) return spec;
  if (issue.path.length === 0) throw new Error(`generated.ts cannot repair: ${issue.message}`);
  const isMissing = issue.path.length === 1 && spec[String(issue.path[0])] === undefined;
  return repaired(isMissing ? { ...spec, replicas: 1 } : (without(spec, issue.path) as Spec));
}

function without(value: unknown, [first, ...rest]: readonly PropertyKey[]): unknown {
  if (Array.isArray(value)) {
    const index = Number(first);
    return rest.length === 0 ? value.toSpliced(index, 1) : value.with(index, without(value[index], rest));
  }
  const { [String(first)]: part, ...others } = value as Record<string, unknown>;
  return rest.length === 0 ? others : { ...others, [String(first)]: without(part, rest) };
}

/**
 * Any value that this part of the schema admits. It may break a rule between fields.
 * @param path names the part in errors, such as `spec.env[].value`
 */
export function anyValue(of: Schema, path: string): fc.Arbitrary<unknown> {
  if (of.enum !== undefined) return fc.constantFrom(...of.enum);
  if (of['x-kubernetes-int-or-string'] === true) return fc.oneof(fc.integer({ min: 0, max: 64 }), text(of));
  if (of.properties !== undefined) return object(of, path);
  if (of.additionalProperties !== undefined) return map(anyValue(of.additionalProperties, `${path}.*`), path);
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

function object(of: Schema, path: string): fc.Arbitrary<Record<string, unknown>> {
  const { properties = {}, required = [], 'x-kubernetes-validations': rules = [] } = of;
  const valueOf = (name: string) => anyValue(properties[name] ?? {}, `${path}.${name}`);
  const chosen = new Set(rules.flatMap(({ rule }) => oneOf(rule)));
  const names = Object.keys(properties).filter((name) => !chosen.has(name));
  const values = names.map((name) => [name, valueOf(name)] as const);
  const any: fc.Arbitrary<Record<string, unknown>> = fc.record(Object.fromEntries(values), {
    requiredKeys: [...required],
  });
  return rules.reduce((each, { rule }) => {
    const choices = oneOf(rule);
    if (choices.length > 0) return withOneOf(each, choices, valueOf);
    const [, needed, instead] = AT_LEAST.exec(rule) ?? [];
    if (needed !== undefined && instead !== undefined) return withEither(each, needed, instead, valueOf);
    const [, one, operator, other] = EITHER.exec(rule) ?? [];
    if (one === undefined || other === undefined) return each;
    const choice = fc.constantFrom([one, other] as const, [other, one] as const);
    return fc.tuple(each, choice, valueOf(one), valueOf(other)).map(([value, [kept, dropped], first, second]) => {
      const { [dropped]: _, ...rest } = value;
      return operator === '!=' ? { ...rest, [kept]: kept === one ? first : second } : rest;
    });
  }, any);
}

/** The fields of which the rule asks for one. */
function oneOf(rule: string): string[] {
  return [...(ONE_OF.exec(rule)?.[1] ?? '').matchAll(/self\.(\w+)/g)].map(([, name = '']) => name);
}

function withOneOf(
  any: fc.Arbitrary<Record<string, unknown>>,
  names: readonly string[],
  valueOf: (name: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .tuple(any, fc.oneof(...names.map((name) => valueOf(name).map((value) => ({ [name]: value })))))
    .map(([value, chosen]) => ({ ...value, ...chosen }));
}

function withEither(
  any: fc.Arbitrary<Record<string, unknown>>,
  one: string,
  other: string,
  valueOf: (name: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<Record<string, unknown>> {
  const isEmpty = (value: Spec) => value[one] === undefined && value[other] === undefined;
  return fc.tuple(any, valueOf(one)).map(([value, added]) => (isEmpty(value) ? { ...value, [one]: added } : value));
}

/** Of labels. Those of nodes may belong to Kubernetes. */
function map(value: fc.Arbitrary<unknown>, path: string): fc.Arbitrary<unknown> {
  const last = path.startsWith('spec.childMetadata') ? 'Tier_1.x' : 'topology.kubernetes.io/region';
  return fc.dictionary(fc.constantFrom('disk', 'example.com/zone', last), value, { maxKeys: 2 });
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
  return fc.constantFrom(...texts(form, minLength, maxLength));
}

/** To make a text from its form takes long, so there are some of each, and not new ones every time. */
function texts(form: string, minLength: number, maxLength: number): readonly string[] {
  const name = JSON.stringify([form, minLength, maxLength]);
  const any = () => fc.stringMatching(new RegExp(form), { maxLength: 64 });
  const fitting = () => any().filter((value) => value.length >= minLength && value.length <= maxLength);
  const made = textsOf.get(name) ?? fc.sample(fitting(), { numRuns: TEXTS, seed: 1 });
  textsOf.set(name, made);
  return made;
}

/** Where something else scales a Website, the number that it has depends on its history: this states one. */
export const withReplicas = (spec: Spec): Spec =>
  spec['replicas'] === undefined && Object.hasOwn(spec['autoscaling'] ?? {}, 'external')
    ? { ...spec, replicas: 1 }
    : spec;

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
  { replicas: undefined, autoscaling: undefined },
  { autoscaling: { maxReplicas: 0 } },
  { autoscaling: { external: false } },
  { autoscaling: {} },
  { autoscaling: { minReplicas: 2 } },
  { autoscaling: { maxReplicas: 2, external: true } },
  { autoscaling: { minReplicas: 3, maxReplicas: 2 } },
  { autoscaling: { external: true, cpuPercent: 50 } },
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
  { hosts: ['a.example.com', 'b.example.com:80'] },
  { host: 'a.example.com', paths: [{ path: 'shop' }] },
  { host: 'a.example.com', paths: [{ path: '/a/../b' }] },
  { host: 'a.example.com', paths: [{ path: '/', type: 'ImplementationSpecific' }] },
  { host: 'a.example.com', tlsSecretName: undefined, tls: { issuer: { name: 'ca', kind: 'Vault' } } },
  { host: 'a.example.com', tlsSecretName: undefined, tls: { secretName: 'a', issuer: { name: 'ca' } } },
  { host: 'a.example.com', ingressClassName: undefined, gateway: { name: 'Public' } },
  { host: 'a.example.com', ingressClassName: undefined, gateway: { name: 'public', namespace: 'a.b' } },
  { host: 'a.example.com', ingressClassName: undefined, gateway: { namespace: 'infra' } },
  { files: [{ path: 'html', emptyDir: {} }] },
  { files: [{ path: '/a/../b', emptyDir: {} }] },
  { files: [{ path: '/a:b', emptyDir: {} }] },
  { files: [{ path: '/a' }] },
  { files: [{ path: '/a', emptyDir: {}, secret: { name: 'x' } }] },
  { childMetadata: { labels: { app: 'shop' } } },
  { childMetadata: { labels: { 'pod-template-hash': '1' } } },
  { childMetadata: { labels: { 'app.kubernetes.io/part-of': 'x' } } },
  { childMetadata: { labels: { 'a b': 'x' } } },
  { childMetadata: { labels: { team: 'a b' } } },
  { childMetadata: { annotations: { 'websites.stable.example.com/generation': '7' } } },
  { childMetadata: { annotations: { 'example.org/server-snippet': 'x' } } },
  { childMetadata: { annotations: { a: 'x'.repeat(8_193), b: 'x'.repeat(8_192) } } },
  { childMetadata: { annotations: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`a${index}`, ''])) } },
  { securityProfile: 'privileged' },
  { suspend: 'yes' },
];
/** One thing that is wrong between fields or items: the schema of the API server alone knows of these, and we take no notice of them. */
const BROKEN_TOGETHER: readonly Spec[] = [
  { env: [{ name: 'A' }, { name: 'A' }] },
  { host: undefined, hosts: undefined, tlsSecretName: 'tls' },
  { host: undefined, hosts: [], ingressClassName: 'nginx' },
  { hosts: ['a.example.com', 'a.example.com'] },
  { host: 'a.example.com', paths: [{ path: '/' }, { path: '/', type: 'Exact' }] },
  { host: 'a.example.com', tlsSecretName: 'tls', tls: { secretName: 'tls' } },
  { host: undefined, hosts: undefined, gateway: { name: 'public' } },
  { host: 'a.example.com', ingressClassName: 'nginx', gateway: { name: 'public' } },
  { host: 'a.example.com', tls: { issuer: { name: 'ca' } }, gateway: { name: 'public' } },
  {
    host: 'a.example.com',
    tlsSecretName: undefined,
    tls: { issuer: { name: 'ca' } },
    childMetadata: { annotations: { 'cert-manager.io/cluster-issuer': 'ca' } },
  },
];

const broken = (ways: readonly Spec[]): fc.Arbitrary<Spec> =>
  fc.tuple(anySpec, fc.constantFrom(...ways)).map(([spec, wrong]) => ({ ...spec, ...wrong }));

/** Specs with one thing wrong, which the API server has to refuse. */
export const refusedSpec = broken([...BROKEN_FIELDS, ...BROKEN_TOGETHER]);
/** Those of them that mean nothing, wherever they come from. */
export const brokenSpec = broken(BROKEN_FIELDS);
