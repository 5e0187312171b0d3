import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { customResourceDefinition, customResourceDefinitionYaml } from '../../crds/generate.ts';
import { websiteKey, websiteSpec } from '../../functions/website/resource.ts';

const crds = new URL('../../crds/', import.meta.url);

it.each(['crds/website.yaml', 'infra/kubernetes/crds/website.yaml'])(
  '%s is up to date with the schema (npm run generate)',
  (file) => {
    expect(readFileSync(file, 'utf8')).toBe(customResourceDefinitionYaml());
    // Helm prints a line about a symbolic link at every command.
    expect(lstatSync(file).isSymbolicLink()).toBe(false);
  },
);

it('The CRD has no default inside lists, because kubectl apply and Argo CD would show it as a difference each time', () => {
  const found: string[] = [];
  const walk = (schema: unknown, path: string, isItem: boolean) => {
    if (typeof schema !== 'object' || schema === null) return;
    if (isItem && 'default' in schema) found.push(path);
    for (const [name, below] of Object.entries(schema)) {
      walk(below, `${path}.${name}`, isItem || name === 'items' || name === 'additionalProperties');
    }
  };
  walk(customResourceDefinition(), 'crd', false);
  expect(found).toEqual([]);
});

it('A variable without a value is empty', () => {
  const spec = websiteSpec.parse({ image: 'nginx', replicas: 1, env: [{ name: 'A' }, { name: 'B', value: 'b' }] });
  expect(spec.env).toEqual([
    { name: 'A', value: '' },
    { name: 'B', value: 'b' },
  ]);
});

it.each(readdirSync(new URL('samples/', crds)))('The schema accepts or refuses sample %s, as its name says', (file) => {
  const sample = parse(readFileSync(new URL(`samples/${file}`, crds), 'utf8')) as { metadata: object; spec: unknown };
  // kubectl -n team-a apply -f refuses a file that names another namespace.
  expect(sample.metadata).not.toHaveProperty('namespace');
  const isInvalid = file.startsWith('invalid-');
  // Only the API server checks rules between fields.
  const parsed = file === 'invalid-tls-without-host.yaml' ? { success: false } : websiteSpec.safeParse(sample.spec);
  expect(parsed.success).toBe(!isInvalid);
});

it.each([
  'nginx',
  'nginx:1.29',
  'library/nginx',
  'registry.example.com/team/app:v1.2.3',
  'localhost:5000/app',
  'ghcr.io/a/b__c/d-e@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  'app:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
])('The schema accepts the image %s', (image) => {
  expect(websiteSpec.safeParse({ image, replicas: 1 }).success).toBe(true);
});

it.each([
  '',
  'nginx 1.29',
  'nginx\n        securityContext: {privileged: true}',
  'nginx:1.29\n',
  ' nginx',
  'nginx:',
  'Nginx',
  'nginx:1.29 # x',
  'nginx@sha256:short',
  '{{image}}',
  '"nginx"',
  'a'.repeat(513),
])('The schema refuses the image %j', (image) => {
  expect(websiteSpec.safeParse({ image, replicas: 1 }).success).toBe(false);
});

it.each([0, 1, 1000])('The schema accepts %d replicas', (replicas) => {
  expect(websiteSpec.safeParse({ image: 'nginx', replicas }).success).toBe(true);
});

it.each([-1, 1001, 1.5, '1', null, undefined])('The schema refuses %j replicas', (replicas) => {
  expect(websiteSpec.safeParse({ image: 'nginx', replicas }).success).toBe(false);
});

it.each([
  { namespace: '../x', name: 'shop' },
  { namespace: 'a', name: '../../secrets' },
  { namespace: 'a', name: 'shop%2f' },
  { namespace: 'A', name: 'shop' },
  { namespace: '', name: 'shop' },
  { namespace: 'a', name: '' },
  { namespace: 'a\n', name: 'shop' },
  { namespace: 'a', name: 'a'.repeat(254) },
])('The schema refuses the key $namespace/$name, which would become part of a path', (key) => {
  expect(websiteKey.safeParse(key).success).toBe(false);
});
