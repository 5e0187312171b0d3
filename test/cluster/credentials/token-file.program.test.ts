// `tokenFile` of a kubeconfig's user, in each built program.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replaceFile } from '../../../infra/local/programs/kubeconfig.ts';
import { website } from '../../cli/cli.ts';
import { eventually } from '../../eventually.ts';
import { startForwarder, startFunctions, type Program } from '../../program.ts';

let folder: string;
let server: Server;
let program: Program | undefined;
/** Who asked, in the order of the requests. */
let asked: (string | undefined)[];

/** An API server that accepts the second token, which is in the file once it has refused the first. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'token-files-'));
  asked = [];
  server = createServer(({ headers: { authorization } }, response) => {
    asked.push(authorization);
    replaceFile(join(folder, 'token'), 'second\n');
    const status = authorization === 'Bearer second' ? 200 : 401;
    response.writeHead(status, { 'content-type': 'application/json' }).end('{"items":[],"metadata":{}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  writeFileSync(join(folder, 'token'), 'first\n');
});
afterEach(async () => {
  await program?.stop();
  program = undefined;
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** Its path to the file is relative, and its user has other credentials, too. */
function kubeconfig(): string {
  const path = join(folder, 'kubeconfig');
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/nowhere' };
  const config = {
    clusters: [{ name: 'c', cluster: { server: at, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'static', tokenFile: 'token', exec } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

const START: Readonly<Record<string, () => Promise<void>>> = {
  async 'the functions'() {
    program = startFunctions({ KUBECONFIG: kubeconfig(), RESYNC_INTERVAL_SECONDS: '0' });
    const url = String((await program.line('Listening'))['url']);
    await fetch(`${url}/resync`, { method: 'POST' });
  },
  async 'the forwarder'() {
    const args = ['--sink', 'http://127.0.0.1:1', '--host', '127.0.0.1', '--port', '0'];
    program = startForwarder(args, { KUBECONFIG: kubeconfig() });
  },
  async 'the program website'() {
    expect(await website(['list', '-A'], { KUBECONFIG: kubeconfig() })).toMatchObject({ code: 0 });
  },
};

it.each(Object.keys(START))('The token of %s is that of the file, which is read again', async (name) => {
  await START[name]?.();
  await eventually(() => expect(asked).toContain('Bearer second'));
  expect(new Set(asked)).toEqual(new Set(['Bearer first', 'Bearer second']));
  expect(asked[0]).toBe('Bearer first');
});
