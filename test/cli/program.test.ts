import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run } from '../../infra/cli/program.ts';

/** @returns the exit code and what was printed as an error. */
async function ended(...args: string[]) {
  const errors: string[] = [];
  const interrupted = () => new AbortController().signal;
  const error = (text: string) => void errors.push(text);
  const code = await run(args, { out: () => {}, error, now: () => new Date(), interrupted, kubeconfig: undefined });
  return { code, error: errors.join('\n') };
}

it.each([
  ['--kubeconfig', ['list', '--kubeconfig', '']],
  ['--context', ['--context', '', 'list']],
  ['--filename', ['plan', '-f', '']],
  ['--from', ['history', 'shop', '--from=']],
  ['--token-file', ['events', 'replay', 'x', '--to', 'http://localhost', '--token-file', '']],
])('The program refuses an empty value of %s, which an unset variable would lead to', async (flag, args) => {
  expect(await ended(...args)).toEqual({ code: 2, error: `Error: ${flag} must not be empty` });
});

it.each([
  ['--from', '--header', ['history', 'shop', '--from']],
  ['--to', '--header', ['events', 'replay', 'x', '--to']],
  ['--functions-url', 'kubectl port-forward', ['doctor', '--functions-url']],
  ['--forwarder-url', 'kubectl port-forward', ['doctor', '--forwarder-url']],
])(
  'The program refuses a URL of %s that holds credentials, and says what to use instead',
  async (flag, instead, args) => {
    const named = ['--kubeconfig', 'test/fixtures/unreachable.kubeconfig'];
    const kept = args[0] === 'events' ? [] : named;
    for (const url of ['http://u:hunter2@127.0.0.1:1/', 'http://hunter2@127.0.0.1:1/', 'http:u:hunter2@127.0.0.1:1/']) {
      const { code, error } = await ended(...args, url, ...kept);
      expect(code).toBe(2);
      expect(error).toMatch(new RegExp(`^Error: ${flag} must not hold a user or a password: .*${instead}`));
      expect(error).not.toContain('hunter2');
    }
  },
);

it.each([
  ["unknown option '--form=", ['history', 'shop', '--form=http://u:hunter2@h/']],
  ['too many arguments', ['events', 'replay', 'x', "HTTP://h/'?code=hunter2", '--to', 'http://h/']],
  ['too many arguments', ['doctor', 'https://h/?code=hunter2']],
  ['unknown command', ['http://u:hunter2@h/']],
])('The error quotes no URL in the wrong place: %s', async (words, args) => {
  const { code, error } = await ended(...args);
  expect([code, error]).toEqual([2, expect.stringContaining(words)]);
  expect(error).not.toContain('hunter2');
});

it('website reconcile refuses a time limit without --wait, which it would ignore', async () => {
  const named = ['--kubeconfig', 'test/fixtures/unreachable.kubeconfig'];
  expect(await ended('reconcile', 'shop', '--timeout', '5', ...named)).toEqual({
    code: 2,
    error: 'Error: --timeout needs --wait',
  });
});

/** What every run of the program below has. */
const surroundings = (errors: string[]) => ({
  out: () => {},
  error: (text: string) => void errors.push(text),
  now: () => new Date(),
  interrupted: () => new AbortController().signal,
  kubeconfig: undefined,
});

it('Without a cluster, npm run website also says how to start one', async () => {
  const errors: string[] = [];
  const home = process.env['HOME'];
  process.env['HOME'] = '/nowhere';
  const otherwise = 'Or start one';
  expect(await run(['list'], { ...surroundings(errors), running: () => undefined, otherwise })).toBe(1);
  process.env['HOME'] = home;
  expect(errors).toEqual([
    'Error: Found no cluster: set KUBECONFIG, or run in a Pod with a ServiceAccount. Or start one',
  ]);
});

it.each(['--help', '-h', 'help list', 'list --help', '--version'])(
  'website %s needs no cluster, so it asks for no choice among those that run',
  async (command) => {
    const errors: string[] = [];
    const running = () => {
      throw new Error('npm start runs with 2 clusters');
    };
    expect(await run(command.split(' '), { ...surroundings(errors), running })).toBe(0);
    expect(errors).toEqual([]);
    expect(await run(['list'], { ...surroundings(errors), running })).toBe(1);
    expect(errors).toEqual(['Error: npm start runs with 2 clusters']);
  },
);

it('The doctor asks the programs of npm start where they answer, unless a flag names another cluster or URL', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"items":[],"metadata":{}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), 'website-program-'));
  const kubeconfig = join(folder, 'config');
  const config = {
    clusters: [{ name: 'a', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'a', user: { token: 'x' } }],
    contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
    'current-context': 'a',
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const running = () => ({ kubeconfig, functionsUrl: url, forwarderUrl: url });
  const probesOf = async (...args: string[]) => {
    asked.length = 0;
    await run(args, { ...surroundings([]), running });
    return asked.filter((path) => path === '/readyz').length;
  };
  expect(await probesOf('doctor')).toBe(2);
  expect(await probesOf('doctor', '--forwarder-url', 'http://127.0.0.1:1')).toBe(1);
  expect(await probesOf('doctor', '--kubeconfig', kubeconfig)).toBe(0);
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
