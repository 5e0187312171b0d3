// Checks of the Bicep files that need no Bicep compiler: they parse and fit together. The compiler's own checks, of
// types and of resource schemas, are not among them (docs/deploy/azure.md).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bicepFile, bicepFilesIn } from './bicep.ts';

const files = bicepFilesIn('infra/azure');
const main = files.get('main.bicep') ?? bicepFile('');
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, Record<string, object>>;

describe.each([...files])('%s', (_, file) => {
  it('has no syntax error', () => expect(file.errors).toEqual([]));

  it('describes every parameter and output', () => {
    const undescribed = [...file.params, ...file.outputs].filter(({ description }) => description === undefined);
    expect(undescribed).toEqual([]);
  });

  it('uses every parameter, and no undeclared name', () => {
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

it.each(main.modules)(
  'main.bicep passes $name exactly the parameters that $file requires or allows',
  ({ file, given }) => {
    const params = files.get(file)?.params ?? [];
    expect(params.length).toBeGreaterThan(0);
    expect(given.filter((name) => !params.some((param) => param.name === name))).toEqual([]);
    expect(params.filter(({ name, isRequired }) => isRequired && !given.includes(name))).toEqual([]);
  },
);

it('main.bicep uses only outputs that the modules have', () => {
  const offered = new Set(
    main.modules.flatMap(({ name, file }) =>
      (files.get(file)?.outputs ?? []).map((output) => `${name}.${output.name}`),
    ),
  );
  expect(main.outputsUsed.length).toBeGreaterThan(0);
  expect(main.outputsUsed.filter((output) => !offered.has(output))).toEqual([]);
});

it('main.bicep has a parameter for each value that azd sets, and azd sets each required one', () => {
  const given = Object.keys(json('infra/azure/main.parameters.json')['parameters'] ?? {});
  expect(given.filter((name) => !main.params.some((param) => param.name === name))).toEqual([]);
  expect(main.params.filter(({ name, isRequired }) => isRequired && !given.includes(name))).toEqual([]);
});

it('main.bicep has the outputs that infra/azure/cluster reads from azd', () => {
  const kustomization = readFileSync('infra/azure/cluster/kustomization.yaml', 'utf8');
  const taken = [...kustomization.matchAll(/fieldPath: data\.(\w+)/g)].map(([, name]) => name);
  expect(taken.length).toBeGreaterThan(0);
  expect(main.outputs.map(({ name }) => name)).toEqual(expect.arrayContaining(taken));
});

it('The Bicep files allow as many requests per instance as host.json', () => {
  const [, concurrency] =
    /perInstanceConcurrency: (\d+)/.exec(readFileSync('infra/azure/functions.bicep', 'utf8')) ?? [];
  expect(json('host.json')['extensions']?.['http']).toMatchObject({ maxConcurrentRequests: Number(concurrency) });
});

it('The Bicep files disable access by shared keys', () => {
  const setting = (file: string, text: string) => expect(readFileSync(`infra/azure/${file}`, 'utf8')).toContain(text);
  setting('storage.bicep', 'allowSharedKeyAccess: false');
  setting('event-grid.bicep', 'disableLocalAuth: true');
  setting('monitoring.bicep', 'DisableLocalAuth: true');
  setting('key-vault.bicep', 'enableRbacAuthorization: true');
  setting('functions.bicep', 'properties: { allow: false }');
});
