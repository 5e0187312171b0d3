// `website plan -f` reads and refuses the same files as `kubectl apply`.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problemsOf } from '../../../infra/cli/plan/manifest-problems.ts';
import { inputName } from '../../../infra/cli/plan/documents.ts';
import { manifestsIn } from '../../../infra/cli/plan/manifests.ts';
import { UsageError } from '../../../infra/usage.ts';
import { aWebsite } from '../../fixtures/websites.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'website-manifests-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string | Buffer, only?: string) {
  const file = join(folder, 'shop.yaml');
  writeFileSync(file, text);
  return manifestsIn({ file, namespace: only ?? 'default', only });
}

const site = (name: string, rest = 'spec: {image: "nginx:1", replicas: 1}', metadata = '') =>
  `apiVersion: stable.example.com/v1\nkind: Website\nmetadata: {name: ${name}${metadata}}\n${rest}\n`;
const keys = (text: string, only?: string) =>
  read(text, only).websites.map(({ key }) => `${key.namespace}/${key.name}`);

/** All problems of the first Website. */
const problems = (text: string): string[] => {
  const [manifest] = read(text).websites;
  return manifest === undefined ? [] : problemsOf(manifest, undefined);
};

describe('A file', () => {
  it('may be a List, as kubectl get prints it', () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [aWebsite(), aWebsite({ metadata: { name: 'blog' } })] };
    expect(keys(JSON.stringify(list))).toEqual(['team-a/shop', 'team-a/blog']);
    expect(keys(JSON.stringify({ ...list, kind: 'WebsiteList', apiVersion: 'stable.example.com/v1' }))).toHaveLength(2);
    expect(() => keys(JSON.stringify({ ...list, items: [null, 'x'] }))).toThrow('has no Website');
  });

  it('with the same Website twice counts with the last one', () => {
    const { websites } = read(`${site('shop')}---\n${site('blog')}---\n${site('shop', 'spec: {image: "nginx:2"}')}`);
    expect(websites.map(({ key, spec }) => [key.name, spec])).toEqual([
      ['shop', { image: 'nginx:2' }],
      ['blog', { image: 'nginx:1', replicas: 1 }],
    ]);
  });

  it('names the namespaces that it creates', () => {
    const text = `apiVersion: v1\nkind: Namespace\nmetadata: {name: team-b}\n---\n${site('shop')}`;
    expect(read(text).namespaces).toEqual(new Set(['team-b']));
  });

  it('with null fields counts without them, as on the API server', () => {
    const { websites } = read(site('shop', 'spec: {image: "nginx:1", port: null, resources: {limits: null}}'));
    expect(websites[0]?.spec).toEqual({ image: 'nginx:1', resources: {} });
  });

  it('may use an anchor again, also inside another value of the same name', () => {
    const text = site('shop', 'spec: {a: &a {b: &a x, c: *a}, d: *a}');
    expect(read(text).websites[0]?.spec).toEqual({ a: { b: 'x', c: 'x' }, d: 'x' });
  });

  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const bomb = ['x', 'a', 'b', 'c', 'd', 'e', 'f', 'g']
    .map((name, index, names) => {
      const before = index === 0 ? 'x' : `*${names[index - 1]}`;
      return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join(', ')}]`;
    })
    .join('\n');

  it.each([
    ['aliases of aliases', bomb, 'cannot be read as YAML: Excessive alias count'],
    [
      'an alias of what contains it',
      site('shop', 'spec: &a {image: x, env: [*a]}'),
      'shop.yaml cannot be read as YAML: the anchor a contains itself',
    ],
    [
      'a key that is an alias of what contains it',
      site('shop', 'spec: &a {? *a : 1}'),
      'shop.yaml cannot be read as YAML: the anchor a contains itself',
    ],
    ['many levels', site('shop', `spec: ${nested(500)}`), 'shop.yaml cannot be read as YAML: it is nested too deeply'],
    ['more levels', site('shop', `spec: ${nested(9000)}`), 'shop.yaml cannot be read as YAML: it is nested too deeply'],
    [
      'UTF-16',
      Buffer.from(`\ufeff${site('shop')}`, 'utf16le'),
      'shop.yaml cannot be read as YAML: it is UTF-16: save it as UTF-8',
    ],
    ['UTF-16 without a mark', Buffer.from(site('shop'), 'utf16le'), 'it is UTF-16: save it as UTF-8'],
    [
      'Latin-1',
      Buffer.from(site('shop', 'spec: {image: ü}'), 'latin1'),
      'it has characters that are not UTF-8: save it as UTF-8',
    ],
    [
      'generateName',
      site('', undefined, ', generateName: a-').replace('name: ,', ''),
      'Website 1: metadata.name is missing: a plan needs it, and does not use generateName',
    ],
    ['no name at all', site('', undefined, 'x').replace('name: x', ''), 'Website 1: metadata.name is missing'],
    ['a wrong field beside the spec', site('shop', 'sepc: {}'), 'Website 1: sepc is not a field of a Website'],
    ['a wrong field of metadata', site('shop', undefined, ', label: {}'), 'metadata.label is not a field of a Website'],
    ['a label that is a number', site('shop', undefined, ', labels: {a: 1}'), 'metadata.labels.a: '],
    ['metadata that is a text', 'apiVersion: stable.example.com/v1\nkind: Website\nmetadata: x', 'metadata: '],
    ['no name', site('""'), 'Website 1: metadata.name: must be a DNS subdomain'],
  ])('with %s is refused', (_, text, message) => {
    expect(() => read(text)).toThrow(UsageError);
    expect(() => read(text)).toThrow(message);
  });

  it('with another namespace than the flag is refused', () => {
    const text = site('shop', undefined, ', namespace: team-a');
    expect(keys(text, 'team-a')).toEqual(['team-a/shop']);
    expect(() => read(text, 'team-b')).toThrow('metadata.namespace is team-a, but --namespace is team-b');
  });
});

it('Messages name standard input, and not its sign', () => {
  expect(inputName('-')).toBe('The standard input');
  expect(inputName('shop.yaml')).toBe('shop.yaml');
});

describe('The spec and the name of a Website in a file', () => {
  it.each([
    ['replica: 2', 'spec.replica is not a field of a Website'],
    ['env: [{name: A, vaule: b}]', 'spec.env[0].vaule is not a field of a Website'],
    ['resources: {limits: {gpu: 1}}', 'spec.resources.limits.gpu is not a field of a Website'],
    ['__proto__: {}', 'spec.__proto__ is not a field of a Website'],
    ['port: 0', 'spec.port: Too small: expected number to be >=1'],
    ['env: [{value: b}]', 'spec.env[0].name is missing'],
    ['securityProfile: ""', 'spec.securityProfile: Invalid option: expected one of "baseline"|"restricted"'],
    ['env: [{name: A}, {name: A}]', 'spec.env[1]: Duplicate value: {"name":"A"}'],
    ['hosts: [a.example.com, a.example.com]', 'spec.hosts[1]: Duplicate value: "a.example.com"'],
    ['env: [{name: A, value: yes}]', 'spec.env[0].value: Invalid input: expected string, received boolean'],
  ])('with %s have a problem that names the field', (field, problem) => {
    expect(problems(site('shop', `spec: {image: "nginx:1", replicas: 1, ${field}}`))).toEqual([problem]);
  });

  it('may have child labels with any name', () => {
    const spec = 'spec: {image: "nginx:1", replicas: 1, childMetadata: {labels: {team: a, constructor: b}}}';
    expect(problems(site('shop', spec))).toEqual([]);
  });

  it.each(['a'.repeat(53), 'a.b', '1a'])('must not have the name %s', (name) => {
    expect(problems(site(`"${name}"`))).toEqual([expect.stringMatching(/^metadata.name must be /)]);
  });

  it('have a problem if the spec is missing', () => {
    expect(problems(site('shop', ''))).toEqual(['spec is missing']);
  });

  it('have all their problems listed, up to a limit', () => {
    const many = Array.from({ length: 40 }, (_, index) => `wrong${index}: 1`).join(', ');
    const found = problems(site('shop', `spec: {image: "nginx:1", replicas: -1, ${many}}`));
    expect(found).toHaveLength(11);
    expect(found.at(-1)).toBe('31 more');
  });

  it('are accepted unchanged if they are stored, even if this release forbids them', () => {
    const [manifest] = read(site('shop', 'spec: {image: "nginx:1", replicas: -1, old: true}')).websites;
    const stored = (spec: object) => aWebsite({ spec });
    if (manifest === undefined) throw new Error('no manifest');
    expect(problemsOf(manifest, stored({ image: 'nginx:1', replicas: -1, old: true }))).toEqual([]);
    const changed = problemsOf(manifest, stored({ image: 'nginx:0', replicas: -1 }));
    expect(changed).toEqual(['spec.old is not a field of a Website']);
  });

  it('have a problem if a rule between fields no longer holds, although the field that it names is stored', () => {
    const [manifest] = read(site('shop', 'spec: {image: "nginx:1", replicas: 1, tlsSecretName: tls}')).websites;
    if (manifest === undefined) throw new Error('no manifest');
    const stored = aWebsite({ spec: { image: 'nginx:1', replicas: 1, host: 'a.example.com', tlsSecretName: 'tls' } });
    expect(problemsOf(manifest, stored)).toEqual(['spec.tlsSecretName: tlsSecretName needs host or hosts']);
  });

  it('may keep an item of a list that is stored, also in another order', () => {
    const [manifest] = read(
      site('shop', 'spec: {image: "nginx:1", replicas: 1, env: [{name: B}, {name: A=}]}'),
    ).websites;
    if (manifest === undefined) throw new Error('no manifest');
    const stored = aWebsite({ spec: { image: 'nginx:1', replicas: 1, port: 80, env: [{ name: 'A=' }] } });
    expect(problemsOf(manifest, stored)).toEqual([]);
    expect(problemsOf(manifest, undefined)).toHaveLength(1);
  });

  const samples = readdirSync('crds/samples').map((file) => [file] as const);
  it.each(samples)('of crds/samples/%s have a problem only if the sample is invalid', (file) => {
    const { websites } = manifestsIn({ file: join('crds/samples', file), namespace: 'default', only: undefined });
    const found = websites.flatMap((each) => problemsOf(each, undefined));
    expect(found).toHaveLength(file.startsWith('invalid-') ? 1 : 0);
    expect(readFileSync(join('crds/samples', file), 'utf8')).toContain('kind: Website');
  });
});
