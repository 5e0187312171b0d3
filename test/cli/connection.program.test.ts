// The cluster and the user of the program's requests.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { noteRunning } from '../../infra/local/running.ts';
import { inherited } from '../program.ts';
import { ended, website } from './cli.ts';

let folder: string;
let server: Server;
/** The path and the user of each request. */
const asked: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'website-connection-'));
  server = createServer((request, response) => {
    asked.push(`${new URL(request.url ?? '', 'http://x').pathname} as ${request.headers.authorization}`);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"items":[],"metadata":{}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => void asked.splice(0));

interface Stated {
  readonly user?: object;
  readonly namespace?: string;
  readonly current?: boolean;
}

/** A kubeconfig of one context, which has the name of the file. */
function kubeconfig(name: string, { user = { token: name }, namespace, current = true }: Stated = {}): string {
  const path = join(folder, name);
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = {
    clusters: [{ name, cluster: { server: at, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
    ...(current ? { 'current-context': name } : {}),
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const websitesIn = (namespace: string): string => `/apis/stable.example.com/v1/namespaces/${namespace}/websites`;

it.each([
  ['the namespace of the context', { namespace: 'team-a' }, [], 'team-a'],
  ['the namespace default, if the context names none', {}, [], 'default'],
  ['the namespace of the flag', { namespace: 'team-a' }, ['-n', 'team-b'], 'team-b'],
])('website list reads %s', async (_, stated, args, namespace) => {
  expect(await website(['list', ...args], { KUBECONFIG: kubeconfig('west', stated) })).toMatchObject({ code: 0 });
  expect(asked).toEqual([`${websitesIn(namespace)} as Bearer west`]);
});

it('Flags may stand before the command, as in kubectl, and flags after it override them', async () => {
  const east = kubeconfig('east', { current: false });
  const before = ['--kubeconfig', east, '--context', 'east', '-n', 'team-b', '-o', 'json'];
  expect(await website([...before, 'list'])).toMatchObject({ code: 0, out: '[]\n' });
  expect(await website([...before, 'list', '-n', 'team-c', '-o', 'yaml'])).toMatchObject({ code: 0, out: '[]\n' });
  expect(asked).toEqual([`${websitesIn('team-b')} as Bearer east`, `${websitesIn('team-c')} as Bearer east`]);
  expect(await website(['-n', 'B', 'list'])).toMatchObject({ code: 2 });
});

it.each(['plan', 'explain', 'history', 'history --from http://127.0.0.1:1/', 'reconcile', 'suspend', 'resume'])(
  'website %s refuses a name that contradicts --namespace, and asks for nothing',
  async (command) => {
    const environment = { KUBECONFIG: kubeconfig('west') };
    const [program = '', ...args] = command.split(' ');
    for (const flags of [
      [program, 'team-a/shop', '-n', 'team-b'],
      ['-n', 'team-b', program, 'team-a/shop'],
    ])
      expect(await website([...flags, ...args], environment)).toMatchObject({
        code: 2,
        error: `Error: "team-a/shop" names another namespace than --namespace team-b. For the Website shop in namespace team-b, give the name alone: shop\n`,
      });
    expect(asked).toEqual([]);
  },
);

it('A name may repeat the namespace of --namespace, and differ from that of the context', async () => {
  const environment = { KUBECONFIG: kubeconfig('west', { namespace: 'team-b' }) };
  await website(['explain', 'team-a/shop', '-n', 'team-a'], environment);
  await website(['explain', 'team-a/shop'], environment);
  const site = `${websitesIn('team-a')}/shop as Bearer west`;
  expect(asked.filter((each) => each === site)).toEqual([site, site]);
});

it.each([',', ' ', 'team-a,', 'team-a,,team-b'])(
  'website doctor refuses the empty name in --namespaces %j, and asks for nothing',
  async (names) => {
    expect(await website(['doctor', '--namespaces', names], { KUBECONFIG: kubeconfig('west') })).toMatchObject({
      code: 2,
      error: expect.stringContaining('--namespaces must be the name of a namespace, but is ""') as string,
    });
    expect(asked).toEqual([]);
  },
);

it('npm run website asks the cluster of the running npm start, unless a flag names another one', async () => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  noteRunning(join(cache, 'website-reconciler'), {
    kubeconfig: kubeconfig('mine', { current: false }),
    context: 'mine',
  });
  const environment = { ...inherited(), XDG_CACHE_HOME: cache, KUBECONFIG: kubeconfig('west') };
  const run = async (...args: string[]) =>
    promisify(execFile)(process.execPath, ['infra/local/website.ts', ...args], { env: environment });
  expect((await run('list')).stderr).toContain('not that of KUBECONFIG');
  expect((await run('list', `--kubeconfig=${kubeconfig('east')}`)).stderr).toBe('');
  expect(asked).toEqual([`${websitesIn('default')} as Bearer mine`, `${websitesIn('default')} as Bearer east`]);
});

it('npm run website and npm run kubectl ask for a choice among running clusters only if the command needs a cluster', async () => {
  const cache = mkdtempSync(join(folder, 'cache-'));
  noteRunning(join(cache, 'website-reconciler'), { kubeconfig: kubeconfig('mine') });
  const other = JSON.stringify({ kubeconfig: kubeconfig('other') });
  writeFileSync(join(cache, 'website-reconciler', 'running', String(process.ppid)), other);
  const assets = mkdtempSync(join(folder, 'assets-'));
  writeFileSync(join(assets, 'kubectl'), '#!/bin/sh\necho "kubectl $*"\n', { mode: 0o755 });
  const environment = { ...inherited(), XDG_CACHE_HOME: cache, KUBEBUILDER_ASSETS: assets };
  const run = async (program: string, ...args: string[]) => ended([`infra/local/${program}.ts`, ...args], environment);
  for (const args of [
    ['list', '--help'],
    ['complete', 'bash'],
  ])
    expect(await run('website', ...args)).toMatchObject({ code: 0, error: '' });
  const nowhere = join(folder, 'nowhere.jsonl');
  const replay = ['events', 'replay', nowhere, '--to', 'http://127.0.0.1:1/'];
  expect((await run('website', ...replay)).error).toContain(`Could not read ${nowhere}`);
  expect(await run('website', 'list')).toMatchObject({
    code: 2,
    error: expect.stringContaining('npm start runs with 2 clusters: choose one') as string,
  });
  expect(await run('website', 'list', '--kubeconfig', kubeconfig('mine'))).toMatchObject({ code: 0, error: '' });
  expect(asked).toEqual([`${websitesIn('default')} as Bearer mine`]);

  for (const args of [['--help'], ['help', 'get'], ['get', '-h'], []])
    expect(await run('kubectl', ...args)).toEqual({ code: 0, out: `kubectl ${args.join(' ')}\n`, error: '' });
  for (const args of [
    ['get', 'web'],
    ['exec', 'shop', '--', 'ls', '--help'],
  ])
    expect(await run('kubectl', ...args)).toMatchObject({
      code: 1,
      error: expect.stringContaining('npm start runs with 2 clusters: choose one') as string,
    });
});

it('The program reads the existing files of KUBECONFIG, the first one wins, and --context selects among all their contexts', async () => {
  const missing = join(folder, 'missing');
  const files = [missing, kubeconfig('west'), kubeconfig('east', { namespace: 'team-e' })].join(delimiter);
  await website(['list'], { KUBECONFIG: files });
  await website(['list', '--context', 'east'], { KUBECONFIG: files });
  expect(asked).toEqual([`${websitesIn('default')} as Bearer west`, `${websitesIn('team-e')} as Bearer east`]);
});

it("The program runs the kubeconfig's exec plugin, including kubelogin, so it has the same user as kubectl", async () => {
  const plugin = join(folder, 'kubelogin');
  const credential =
    '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"mine"}}';
  writeFileSync(plugin, `#!/bin/sh\necho '${credential}'\n`, { mode: 0o755 });
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: plugin,
    args: ['get-token', '--server-id', 'x'],
    interactiveMode: 'Never',
  };
  expect(await website(['list'], { KUBECONFIG: kubeconfig('aks', { user: { exec } }) })).toMatchObject({ code: 0 });
  expect(asked).toEqual([`${websitesIn('default')} as Bearer mine`]);
});

it.skipIf(!existsSync('/dev/full'))(
  'An answer that cannot be printed leads to exit code 1, and an unprintable error keeps the exit code of the error',
  async () => {
    const redirected = async (to: string) => {
      const command = `"$0" dist/cli/website.mjs ${to}`;
      const child = spawn('/bin/sh', ['-c', command, process.execPath], { stdio: ['ignore', 'ignore', 'pipe'] });
      const error = child.stderr.toArray();
      const [code] = (await once(child, 'close')) as [number];
      return { code, error: (await error).join('') };
    };
    expect(await redirected('--help >/dev/full')).toEqual({
      code: 1,
      error: expect.stringMatching(/^Error: Could not print.*\n$/) as string,
    });
    expect(await redirected('nonsense 2>/dev/full')).toEqual({ code: 2, error: '' });
    expect(await redirected('--help | true')).toEqual({ code: 0, error: '' });
  },
);
