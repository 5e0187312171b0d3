// docs/website.md agrees with the schema, and is complete.
import { expect, it } from 'vitest';
import { customResourceDefinition } from '../crds/generate.ts';
import { childName } from '../functions/website/children/metadata.ts';
import { CHILD_KINDS } from '../functions/website/children/kinds.ts';
import { statedText } from '../functions/website/children/deployment/stated.ts';
import { websiteSpec } from '../functions/website/resource.ts';
import { EVERYTHING_ABOUT_PODS } from './fixtures/pods.ts';
import { aWebsite } from './fixtures/websites.ts';
import { codeIn, fieldsOn, PAGE, rowsUnder } from './website-page.ts';

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly required?: readonly string[];
  readonly default?: string | number | boolean;
  readonly enum?: readonly string[];
  readonly [bound: string]: unknown;
}

const [version] = customResourceDefinition().spec.versions;
const { spec, status } = (version?.schema.openAPIV3Schema as Node | undefined)?.properties ?? {};

/** Every field below a node, with the path that the page uses, and whether its object requires it. */
function fieldsOf(node: Node | undefined, prefix = ''): { path: string; field: Node; isRequired: boolean }[] {
  const { properties = {}, required = [] } = node ?? {};
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const inner = field.items === undefined ? fieldsOf(field, `${path}.`) : fieldsOf(field.items, `${path}[].`);
    return [{ path, field, isRequired: required.includes(name) }, ...inner];
  });
}

const FIELDS = fieldsOf(spec);
const ROWS = fieldsOn(PAGE);
const ON_PAGE = new Set(ROWS.map(({ path }) => path));

it('The page describes every field of the spec and of the level below it exactly once', () => {
  const upper = FIELDS.map(({ path }) => path).filter((path) => path.split('.').length <= 2);
  expect(upper.length).toBeGreaterThan(40);
  expect(upper.filter((path) => !ON_PAGE.has(path))).toEqual([]);
  expect(ROWS).toHaveLength(ON_PAGE.size);
});

it('The overview names every field of the spec once', () => {
  const named = rowsUnder(PAGE, 'you need | fields').flatMap(([, fields = '']) => fields.split(', ').map(codeIn));
  expect(named.toSorted()).toEqual(Object.keys(spec?.properties ?? {}).toSorted());
});

/** Fields of the Deployment that the section calls by another name. */
const CALLED: Readonly<Record<string, string>> = {
  readinessProbe: 'a probe',
  livenessProbe: 'a probe',
  startupProbe: 'a probe',
  strategy: 'the strategy',
  serviceAccount: '`serviceAccountName`',
};

it('The section about edits by hand names every optional field of the Deployment', () => {
  const stating = aWebsite({ spec: EVERYTHING_ABOUT_PODS });
  const { fields } = JSON.parse(statedText(websiteSpec.parse(stating.spec), stating.metadata)) as { fields: string[] };
  const edits = rowsUnder(PAGE, 'somebody changes | what happens').map(([what = '']) => what);
  expect(fields.length).toBeGreaterThan(10);
  const isNamed = (field: string) => edits.some((edit) => edit.includes(CALLED[field] ?? `\`${field}\``));
  expect(fields.filter((field) => !isNamed(field))).toEqual([]);
});

it('The page describes no field that does not exist', () => {
  const known = new Set(FIELDS.map(({ path }) => path));
  expect([...ON_PAGE].filter((path) => !known.has(path))).toEqual([]);
});

/** The rows do not repeat the maximum length of every object's name. */
const OF_EVERY_NAME = 253;

function boundsOf(field: Node): number[] {
  const isAmount = field['x-kubernetes-int-or-string'] === true;
  const names = ['minimum', 'maximum', 'maxItems', 'maxProperties', ...(isAmount ? [] : ['maxLength'])];
  const bounds = names.map((name) => field[name]).filter((bound) => typeof bound === 'number');
  return bounds.filter((bound) => bound !== OF_EVERY_NAME);
}

const ROW_AND_FIELD = ROWS.flatMap((row) =>
  FIELDS.filter(({ path }) => path === row.path).map((each) => ({ ...row, ...each })),
);

it.each(ROW_AND_FIELD)('The row of $path states the default and the bounds of the schema', (row) => {
  const { field, isRequired, fallback, text } = row;
  expect(fallback === 'required').toBe(isRequired);
  if (field.default !== undefined) expect(codeIn(fallback)).toBe(String(field.default));
  for (const bound of boundsOf(field)) expect(text).toMatch(new RegExp(`\\b${bound}\\b`));
  for (const value of field.enum ?? []) expect(text).toContain(`\`${value}\``);
});

it('The page names exactly the fields of the status', () => {
  const named = rowsUnder(PAGE, 'field | meaning').flatMap(([cell = '']) => cell.split(', ').map(codeIn));
  const expected = Object.keys(status?.properties ?? {}).map((name) => `status.${name}`);
  expect(named.toSorted()).toEqual(expected.toSorted());
});

it('The page shows the columns of the CRD', () => {
  const columns = version?.additionalPrinterColumns.filter((column) => column.priority === undefined) ?? [];
  const [, header = ''] = /^\$ kubectl get web\n(.*)$/m.exec(PAGE) ?? [];
  expect(header.trim().split(/ +/)).toEqual(['NAME', ...columns.map(({ name }) => name.toUpperCase())]);
});

it('The page lists every kind of child, by its name', () => {
  const listed = rowsUnder(PAGE, 'kind | name | exists').map(([kind, name = '']) => [kind, codeIn(name)]);
  expect(listed).toEqual(CHILD_KINDS.map((kind) => [kind, childName(kind, 'shop')]));
});
