import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { USAGE } from '../../infra/local/options.ts';

interface Here {
  readonly program: string | undefined;
  readonly args: readonly string[];
  readonly root: string;
  readonly platform: string;
  readonly version: string;
  readonly environment: Record<string, string>;
}
const { problem } = createRequire(import.meta.url)('../../infra/local/preflight.cjs') as {
  problem: (here: Here) => string | undefined;
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'preflight-'));
  writeFileSync(join(root, 'package.json'), '{"engines": {"node": ">=22.19"}}');
  lock('package-lock.json', '1.0.0');
});
afterEach(() => rmSync(root, { recursive: true }));

/** A project with one dependency: its lockfile, or npm's record of the installed packages. */
function lock(file: string, version: string): void {
  mkdirSync(join(root, 'node_modules', 'node', 'bin'), { recursive: true });
  const packages = { '': { devDependencies: { zod: version } }, 'node_modules/zod': { version } };
  writeFileSync(join(root, file), JSON.stringify({ packages }));
}
const installed = (version = '1.0.0') => lock('node_modules/.package-lock.json', version);
const here = (more: Partial<Here> = {}): Here => ({
  program: 'start',
  args: [],
  root,
  platform: 'linux',
  version: '24.21.0',
  environment: {},
  ...more,
});

it.each(['24.21.0', '22.19.0', '23.0.0'])('The check passes with Node %s and all dependencies', (version) => {
  installed();
  expect(problem(here({ version }))).toBeUndefined();
});

it('The check reports missing dependencies', () => {
  expect(problem(here())).toBe('The dependencies are not installed: run npm ci.');
});

it('The check reports dependencies of another lockfile', () => {
  installed('0.9.0');
  expect(problem(here())).toBe('The dependencies have changed (zod): run npm ci.');
});

it.each(['20.20.2', '22.18.0', '12.22.12'])(
  "The check reports Node %s if the project's own Node is missing",
  (version) => {
    installed();
    expect(problem(here({ version }))).toBe(
      `Node ${version} is too old (22.19 is needed), and npm ran no install script for the one in node_modules: run npm rebuild node --ignore-scripts=false.`,
    );
  },
);

it('The check tells the user of an old Node to use the npm scripts, which have a newer one', () => {
  installed();
  writeFileSync(join(root, 'node_modules', 'node', 'bin', 'node'), '');
  expect(problem(here({ version: '20.20.2' }))).toContain('use npm start, npm run kubectl and npm run website');
});

it('The check sends users of Windows to WSL, except for the website command', () => {
  installed();
  expect(problem(here({ platform: 'win32' }))).toContain('use WSL');
  expect(problem(here({ platform: 'win32', program: 'kubectl' }))).toContain('use WSL');
  expect(problem(here({ platform: 'win32', program: 'website' }))).toBeUndefined();
});

const FLAGS = [...USAGE.matchAll(/^ {2}--(\w+)/gm)].map(([, flag = '']) => flag);

/** npm answers --help itself. Without --yes, npm start asks. */
it.each(FLAGS.filter((flag) => flag !== 'help' && flag !== 'yes'))(
  'The check reports a missing -- before the flag --%s',
  (flag) => {
    installed();
    expect(problem(here({ environment: { [`npm_config_${flag}`]: 'true' } }))).toBe(
      `npm kept --${flag} for itself: write npm start -- --${flag}, with -- before all flags.`,
    );
  },
);

it('The check ignores npm settings with the name of a flag if the flag itself is given', () => {
  installed();
  const environment = { npm_config_yes: 'true', npm_config_json: 'true', npm_config_page: '1' };
  expect(problem(here({ environment, args: ['--json', '--page=off'] }))).toBeUndefined();
});

it('The check names the npm script of the program that was started', () => {
  installed();
  const environment = { npm_config_context: 'prod' };
  expect(problem(here({ environment, program: 'website' }))).toContain('write npm run website -- --context');
  expect(problem(here({ environment, program: 'kubectl' }))).toContain('write npm run kubectl -- --context');
  expect(problem(here({ environment, program: undefined }))).toBeUndefined();
});

it('The flags that npm start describes are exactly those that it accepts', () => {
  const source = readFileSync('infra/local/options.ts', 'utf8');
  const taken = [...source.matchAll(/^ +(\w+): \{ type: '(?:string|boolean)' \}/gm)].map(([, flag]) => flag);
  expect(taken).toContain('page');
  expect(taken).toEqual(FLAGS);
});

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };

/** The parts of npm run check. */
const PARTS = new Set(['format:check', 'lint', 'types', 'unused']);

it.each(Object.keys(scripts).filter((name) => !PARTS.has(name)))('npm run %s starts with the check', (name) => {
  const other = /^npm run ([\w:]+)/.exec(scripts[name] ?? '')?.[1];
  expect(other === undefined ? scripts[name] : scripts[other]).toMatch(/^node infra\/local\/preflight\.cjs\b/);
});

it('npm run start:functions refuses flags, because it would ignore them, and quotes no value', async () => {
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['infra/local/preflight.cjs', 'start:functions', ...args]);
  expect((await run('--help')).stdout).toMatch(/^The functions take no flags\..*\n.*PORT=8080/);
  const refused = run('--port', 'hunter2', '-hunter2', '--key=hunter2', '--keyhunter2');
  const problems = [
    "Unknown option '--port'",
    'Unexpected argument at position 2',
    'Unexpected argument at position 3',
  ];
  const others = ["Unknown option '--key'", 'Unexpected argument at position 5'];
  const stderr = [...problems, ...others, 'The functions take no flags.'].join('\n');
  await expect(refused).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(stderr) as string });
  await expect(refused).rejects.not.toMatchObject({ stderr: expect.stringContaining('hunter') as string });
});

it('npm run start:forwarder has its own flags', async () => {
  const run = promisify(execFile)(process.execPath, ['infra/local/preflight.cjs', 'start:forwarder', '--help']);
  expect((await run).stdout).toContain('--sink');
});

it('A problem is printed as one line on stderr, with exit code 1', async () => {
  mkdirSync(join(root, 'infra', 'local'), { recursive: true });
  cpSync('infra/local/preflight.cjs', join(root, 'infra', 'local', 'preflight.cjs'));
  const run = promisify(execFile)(process.execPath, [join(root, 'infra', 'local', 'preflight.cjs'), 'start']);
  await expect(run).rejects.toMatchObject({ code: 1, stderr: 'The dependencies are not installed: run npm ci.\n' });
});

it('The check without a program prints nothing', async () => {
  const run = promisify(execFile)(process.execPath, ['infra/local/preflight.cjs']);
  expect(await run).toEqual({ stdout: '', stderr: '' });
});

it('The check then runs the website command', async () => {
  const run = promisify(execFile)(process.execPath, ['infra/local/preflight.cjs', 'website', '--help']);
  expect((await run).stdout).toMatch(/^Usage: website/);
});

it('The check then runs the program with its own arguments', async () => {
  const run = promisify(execFile)(process.execPath, ['infra/local/preflight.cjs', 'start', '--help']);
  expect((await run).stdout).toMatch(/^Usage: npm start -- \[flags\]/);
});

it('The pages and the workflows name the same versions of Node as package.json', () => {
  const text = (file: string) => readFileSync(file, 'utf8');
  const { engines, devDependencies } = JSON.parse(text('package.json')) as {
    engines: { node: string };
    devDependencies: { node: string };
  };
  const least = /^>=([\d.]+)$/.exec(engines.node)?.[1];
  expect(text('docs/cli.md')).toContain(`Node ${least} or newer`);
  expect(text('CONTRIBUTING.md')).toContain(`| ${least} or newer, as \`engines\``);
  expect(text('CONTRIBUTING.md')).toContain(`Required: {"node":"${engines.node}"}`);
  for (const page of ['README.md', 'CONTRIBUTING.md', 'docs/deploy/local.md'])
    expect(text(page)).toContain('with Node 20 or newer to run it');
  const [own] = devDependencies.node.split('.');
  expect(text('CONTRIBUTING.md')).toContain(`| ${own}, which \`npm ci\` installs |`);
  const [, tested = ''] = /matrix: \{ node: \[(.*)\] \}/.exec(text('.github/workflows/ci.yml')) ?? [];
  expect(tested.split(', ')).toContain(own);
  expect(text('CONTRIBUTING.md')).toContain(`with ${tested.replace(', ', ' and ')} |`);
});
