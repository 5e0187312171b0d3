// `npm run build` leaves modules out of the bundles. These tests check which modules the programs load.
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { buildImage } from './image.ts';
import { startCommand } from './program.ts';

const run = promisify(execFile);

const SAY_WHAT_IS_LOADED = `data:text/javascript,${encodeURIComponent(
  'process.once("exit", () => console.log(JSON.stringify(process.moduleLoadList)))',
)}`;

it.each([
  ['the forwarder', ['dist/forwarder/main.mjs', '--help']],
  ['the functions on Node', ['dist/functions/node.js', '--help']],
  ['the functions on Azure', ['dist/functions/azure.js']],
])("Node's built-in undici is never loaded by %s", async (_, args) => {
  const env = { PATH: process.env['PATH'] };
  const command = ['--import', SAY_WHAT_IS_LOADED, ...args];
  const { stdout } = await run(process.execPath, command, { env }).catch((error: { stdout: string }) => error);
  const loaded = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
  expect(loaded).toContain('NativeModule http');
  expect(loaded.filter((each) => each.includes('undici'))).toEqual([]);
});

it("docs/metrics.md says which of OpenTelemetry's variables the programs read, and which they do not", () => {
  const page = readFileSync('docs/metrics.md', 'utf8');
  const [, section = ''] = page.split("## OpenTelemetry's variables");
  const [read = '', unread = ''] = section.split('These have no effect');
  const namesIn = (text: string) => [...new Set(text.match(/OTEL_\w+/g))].toSorted();
  const ofFunctions = namesIn(read.match(/^.*the functions alone.*$/gm)?.join('') ?? '');
  const readBy = (program: string) =>
    namesIn(textOf(new Map(globSync(`dist/${program}/*.{js,mjs}`).map((file) => [file, readFileSync(file, 'utf8')]))));
  const [functions, forwarder] = [readBy('functions'), readBy('forwarder')];
  expect(ofFunctions).not.toEqual([]);
  expect(namesIn(unread)).not.toEqual([]);
  for (const name of namesIn(read)) {
    // The exporter puts the name of a signal together at run time.
    const known = name.replace('_TRACES_ENDPOINT', '_ENDPOINT');
    expect([name, functions.includes(known), forwarder.includes(known)]).toEqual([
      name,
      true,
      !ofFunctions.includes(name),
    ]);
  }
  expect([...functions, ...forwarder].filter((name) => namesIn(unread).includes(name))).toEqual([]);
});

/** The texts of the files, and of all that they import statically, by path. */
function loadedWith(files: readonly string[], seen = new Map<string, string>()): ReadonlyMap<string, string> {
  for (const file of files.filter((each) => !seen.has(each))) {
    const text = readFileSync(file, 'utf8');
    seen.set(file, text);
    const imported = [...text.matchAll(/\b(?:from|import) ?"(\.\/[^"]+)"/g)];
    loadedWith(
      imported.map(([, path = '']) => join(dirname(file), path)),
      seen,
    );
  }
  return seen;
}

const textOf = (files: ReadonlyMap<string, string>): string => [...files.values()].join('\n');
const bytesOf = (files: readonly string[]): number => files.reduce((sum, file) => sum + statSync(file).size, 0);

/**
 * The most kilobytes that each entry point loads before its first reconcile in a Pod with a ServiceAccount, and how many files. Every
 * cold start reads and compiles them. If a number grows for a reason, raise it here. Otherwise, import the new code where it is needed.
 */
const START = [
  ['functions/node.js', ['dist/functions/node.js'], 648, 18],
  ['functions/azure.js, until its functions are registered', ['dist/functions/azure.js'], 370, 11],
  ['functions/azure.js, connected', ['dist/functions/azure.js', 'dist/functions/context-*.js'], 660, 17],
  ['forwarder/main.mjs', ['dist/forwarder/main.mjs', 'dist/forwarder/http-*.mjs'], 690, 12],
  ['cli/website.mjs', ['dist/cli/website.mjs'], 975, 1],
] as const;

it.each(START)('%s loads at most so much at its start', (_, entries, mostKilobytes, mostFiles) => {
  const files = [...loadedWith(globSync(entries)).keys()];
  expect(files.length).toBeGreaterThanOrEqual(entries.length);
  expect(bytesOf(files) / 1_000).toBeLessThanOrEqual(mostKilobytes);
  // A budget that is far too large would hide what is added.
  expect(bytesOf(files) / 1_000).toBeGreaterThan(mostKilobytes * 0.9);
  expect(files.length).toBeLessThanOrEqual(mostFiles);
});

/** The most kilobytes of all files of a bundle, loaded or not. */
it.each([
  ['functions', 1_700],
  ['forwarder', 1_700],
  ['cli', 975],
] as const)('%s has at most so many files in all', (program, mostKilobytes) => {
  expect(bytesOf(globSync(`dist/${program}/*.{js,mjs}`)) / 1_000).toBeLessThanOrEqual(mostKilobytes);
});

const COUNT_COMPILED = `data:text/javascript,${encodeURIComponent(`
  let compiled = 0;
  globalThis.Function = new Proxy(Function, { construct: (...args) => (compiled++, Reflect.construct(...args)) });
  process.once('exit', () => console.log('Compiled', compiled));`)}`;

it.each(['functions/node.js', 'forwarder/main.mjs'])(
  '%s compiles no code from text to check its settings',
  async (file) => {
    const env = { PATH: process.env['PATH'], PORT: 'x' };
    const program = run(process.execPath, ['--import', COUNT_COMPILED, `dist/${file}`], { env });
    await expect(program).rejects.toMatchObject({ stdout: 'Compiled 0\n', stderr: expect.stringContaining('PORT') });
  },
);

it.each(['functions', 'forwarder'] as const)(
  'The image of the %s contains every source that its build needs',
  (program) => {
    const folder = mkdtempSync(join(tmpdir(), 'image-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    buildImage(program, folder);
    expect(globSync(`${folder}/dist/*`)).toEqual([join(folder, 'dist', program)]);
  },
  120_000,
);

it('The build refuses an unknown program and lists the known ones', async () => {
  await expect(run(process.execPath, ['infra/bundle.ts', 'watcher'])).rejects.toMatchObject({
    code: 2,
    stderr: 'Unknown program watcher: choose from functions, forwarder, cli\n',
  });
});

it.each(['functions/node.js', 'forwarder/main.mjs'])('shows the lines of the sources of %s on demand', async (file) => {
  const source = `import { findSourceMap } from 'node:module';
    await import(${JSON.stringify(resolve('dist', file))}).catch(() => {});
    console.log(JSON.stringify(findSourceMap(${JSON.stringify(resolve('dist', file))})?.payload.sources));`;
  const command = ['--enable-source-maps', '--input-type=module', '--eval', source];
  const env = { PATH: process.env['PATH'] };
  // Both end for lack of settings.
  const { stdout } = await run(process.execPath, command, { env }).catch((error: { stdout: string }) => error);
  expect(stdout).toMatch(/functions\/node\.ts|infra\/forwarder\/main\.ts/);
});

const OF_HISTORY = ['website_history', 'from"node:sqlite"', 'SCRAM-SHA-256'];

it.each(['node', 'azure'])('The %s host loads no database until a history is configured', (host) => {
  const chunks = globSync('dist/functions/*.js').map((file) => readFileSync(file, 'utf8'));
  for (const mark of OF_HISTORY) {
    expect(chunks.some((text) => text.includes(mark))).toBe(true);
    expect([mark, textOf(loadedWith([`dist/functions/${host}.js`])).includes(mark)]).toEqual([mark, false]);
  }
});

it.each(['node', 'azure'])('The %s host loads no OpenTelemetry SDK until a collector is configured', (host) => {
  const chunks = globSync('dist/functions/*.js').map((file) => readFileSync(file, 'utf8'));
  for (const mark of ['BatchSpanProcessor', 'W3CTraceContextPropagator', 'PeriodicExportingMetricReader']) {
    expect([mark, chunks.some((text) => text.includes(mark))]).toEqual([mark, true]);
    expect([mark, textOf(loadedWith([`dist/functions/${host}.js`])).includes(mark)]).toEqual([mark, false]);
  }
});

it.each([
  ['no database', {}, false],
  ['SQLite', { HISTORY_URL: 'sqlite:/nowhere/history.db' }, true],
])('The Node host loads %s with %o', async (_, variables, isLoaded) => {
  const command = [process.execPath, '--import', SAY_WHAT_IS_LOADED, 'dist/functions/node.js'];
  const host = { HOST: '127.0.0.1', PORT: '0', ALLOW_ANONYMOUS: '1', RESYNC_INTERVAL_SECONDS: '0' };
  const kubeconfig = 'test/fixtures/unreachable.kubeconfig';
  const program = startCommand(command, { ...host, KUBECONFIG: kubeconfig, ...variables });
  await program.line('Listening');
  expect(await program.stop()).toBe(0);
  const loaded = program.text.find((line) => line.startsWith('["')) ?? '';
  expect(loaded).toContain('NativeModule http');
  expect(loaded.includes('sqlite')).toBe(isLoaded);
});

// A CommonJS library that is loaded dynamically has nothing but `default` in a split bundle, unlike in the source.
it.each(['functions', 'forwarder'])(
  'The bundle of the %s loads no chunk dynamically that exports only default',
  async (program) => {
    const chunks = globSync(`dist/${program}/*`).flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bimport\("(\.\/[^"]+)"\)/g)].map(([, path = '']) =>
        resolve(dirname(file), path),
      ),
    );
    expect(chunks).not.toEqual([]);
    const source = `for (const chunk of ${JSON.stringify([...new Set(chunks)])})
    console.log(JSON.stringify([chunk, Object.keys(await import(chunk))]));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source]);
    const exported = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, string[]]);
    expect(exported.filter(([, names]) => names.every((name) => name === 'default'))).toEqual([]);
  },
);
