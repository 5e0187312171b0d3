// What can be said of the Bicep files without the Bicep compiler: that they parse, and fit together. The compiler's own checks, of
// types and of the schemas of resources, are not among that (docs/deploy/azure.md).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bicepFile, bicepFilesIn } from './bicep.ts';

const files = bicepFilesIn('infra/azure');
const main = files.get('main.bicep') ?? bicepFile('');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, Record<string, object>>;

describe.each([...files])('%s', (_, file) => {
  it('parses', () => expect(file.errors).toEqual([]));

  it('describes every parameter and output', () => {
    const undescribed = [...file.params, ...file.outputs].filter(({ description }) => description === undefined);
    expect(undescribed).toEqual([]);
  });

  it('uses what it declares, and nothing else', () => {
    const known = new Set([...file.params.map(({ name }) => name), ...file.symbols]);
    const used = new Set(file.used);
    expect([...used].filter((name) => !known.has(name))).toEqual([]);
    expect(file.params.map(({ name }) => name).filter((name) => !used.has(name))).toEqual([]);
  });

  it('puts no secret into an output', () => {
    for (const { value } of file.outputs)
      expect(value).not.toMatch(/list\w*\(|[Kk]eys?\b|[Cc]onnectionString|[Ss]ecret\b/);
  });
});

it.each(main.modules)('gives $name what $file asks for, and nothing else', ({ file, given }) => {
  const params = files.get(file)?.params ?? [];
  expect(params.length).toBeGreaterThan(0);
  expect(given.filter((name) => !params.some((param) => param.name === name))).toEqual([]);
  expect(params.filter(({ name, isRequired }) => isRequired && !given.includes(name))).toEqual([]);
});

it('asks modules for outputs that they have', () => {
  const offered = new Set(
    main.modules.flatMap(({ name, file }) =>
      (files.get(file)?.outputs ?? []).map((output) => `${name}.${output.name}`),
    ),
  );
  expect(main.outputsUsed.length).toBeGreaterThan(0);
  expect(main.outputsUsed.filter((output) => !offered.has(output))).toEqual([]);
});

it('has a parameter for each that azd fills in, and lacks none that is required', () => {
  const given = Object.keys(json('infra/azure/main.parameters.json')['parameters'] ?? {});
  expect(given.filter((name) => !main.params.some((param) => param.name === name))).toEqual([]);
  expect(main.params.filter(({ name, isRequired }) => isRequired && !given.includes(name))).toEqual([]);
});

it('has as outputs what infra/azure/cluster takes from azd', () => {
  const kustomization = readFileSync('infra/azure/cluster/kustomization.yaml', 'utf8');
  const taken = [...kustomization.matchAll(/fieldPath: data\.(\w+)/g)].map(([, name]) => name);
  expect(taken.length).toBeGreaterThan(0);
  expect(main.outputs.map(({ name }) => name)).toEqual(expect.arrayContaining(taken));
});

it('lets as many requests into an instance as host.json does', () => {
  const [, concurrency] =
    /perInstanceConcurrency: (\d+)/.exec(readFileSync('infra/azure/functions.bicep', 'utf8')) ?? [];
  expect(json('host.json')['extensions']?.['http']).toMatchObject({ maxConcurrentRequests: Number(concurrency) });
});

it('lets nobody in by a key', () => {
  const setting = (file: string, text: string) => expect(readFileSync(`infra/azure/${file}`, 'utf8')).toContain(text);
  setting('storage.bicep', 'allowSharedKeyAccess: false');
  setting('event-grid.bicep', 'disableLocalAuth: true');
  setting('monitoring.bicep', 'DisableLocalAuth: true');
  setting('key-vault.bicep', 'enableRbacAuthorization: true');
  setting('functions.bicep', 'properties: { allow: false }');
});
