// Files and answers that are larger than they can be, such as a log that was given by mistake.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { withPlugins } from '../../functions/cluster/credentials/exec-plugin.ts';
import { connect } from '../../functions/cluster/transport.ts';
import { readinessFinding } from '../../infra/cli/doctor/programs.ts';
import { statusAt } from '../../infra/cli/doctor/statuses.ts';
import { authority } from '../../infra/local/control-plane/certificates.ts';
import { eventually } from '../eventually.ts';

const MEBIBYTE = 1024 * 1024;
let folder: string;
let large: string;
let pem: Awaited<ReturnType<typeof authority>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bounds-'));
  pem = await authority(folder);
  large = fileOf(MEBIBYTE + 1);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of this size. */
function fileOf(bytes: number): string {
  const path = join(folder, `${bytes}-bytes`);
  writeFileSync(path, '');
  truncateSync(path, bytes);
  return path;
}

const kubeconfigOf = (user: object, cluster: object = {}): string =>
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:1', ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
const connecting = async (user: object, cluster: object = {}) =>
  connect({ kubeconfigText: kubeconfigOf(user, cluster) });
const plugin = (script: string) => ({
  exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] },
});

it.each([
  [
    'certificate authority',
    async () => connecting({ token: 't' }, { 'certificate-authority': large }),
    'certificate authority of the cluster c',
  ],
  ['client certificate', async () => connecting({ 'client-certificate': large, 'client-key-data': 'eA==' })],
  ['client key', async () => connecting({ 'client-certificate-data': 'eA==', 'client-key': large })],
  ['token', async () => connecting({ tokenFile: large })],
])(
  'A %s that is larger than 1 MiB is refused with its name and the limit',
  async (_, refused, whose = 'credentials of the user u') => {
    await expect(refused()).rejects.toThrow(
      `Could not use the ${whose} of the kubeconfig in KUBECONFIG_CONTENT: ${large}: it is larger than ${MEBIBYTE} bytes: check that it is the right file`,
    );
  },
);

it('An exec plugin that prints more than 1 MiB is refused', async () => {
  await expect(connecting(plugin('head -c 2000000 /dev/zero'))).rejects.toThrow(
    `the exec plugin sh printed more than ${MEBIBYTE} bytes, which is no ExecCredential: correct its command`,
  );
});

it('An exec plugin that does not answer is ended', async () => {
  const config = new KubeConfig();
  const pidFile = join(folder, 'pid');
  config.loadFromString(kubeconfigOf(plugin(`echo $$ > ${pidFile}; exec sleep 600`)));
  withPlugins(config, 1_000);
  await expect(config.applyToHTTPSOptions({})).rejects.toThrow(
    'the exec plugin sh did not answer within 1 s. To see what it waits for, run kubectl with the same kubeconfig',
  );
  const pid = Number(readFileSync(pidFile, 'utf8'));
  await eventually(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'));
});

it('A pipe in place of a file of credentials is refused', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('bash', ['-c', 'mkfifo "$0"', pipe]);
  await expect(connecting({ token: 't' }, { 'certificate-authority': pipe })).rejects.toThrow(
    `${pipe}: it is not a file`,
  );
});

it('A ServiceAccount whose file is larger than 1 MiB is refused', async () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1');
  vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
  vi.stubEnv('KUBECONFIG', '');
  vi.stubEnv('HOME', folder);
  try {
    for (const name of ['ca.crt', 'token']) {
      writeFileSync(join(folder, 'ca.crt'), pem.certificate);
      writeFileSync(join(folder, 'token'), 'token');
      truncateSync(join(folder, name), MEBIBYTE + 1);
      await expect(connect({ serviceAccount: folder })).rejects.toThrow(
        `Could not read the ServiceAccount of this Pod: ${join(folder, name)}: it is larger than ${MEBIBYTE} bytes`,
      );
    }
  } finally {
    vi.unstubAllEnvs();
  }
});

it.each([
  ['YAML', (path: string) => `users:\n- name: u\n  user:\n    token-file: ${path}\n`],
  ['JSON', (path: string) => JSON.stringify({ users: [{ name: 'u', user: { 'token-file': path } }] })],
])('A kubeconfig with token-file in %s is refused before the file is read', async (_, textOf) => {
  await expect(connect({ kubeconfigText: textOf('/nowhere') })).rejects.toThrow(
    'Could not read the kubeconfig in KUBECONFIG_CONTENT: users[0].user.token-file is unknown to kubectl: write tokenFile',
  );
});

describe('A server whose answers have more than 16 MiB', () => {
  let server: Server;
  let url: string;
  beforeEach(async () => {
    const text = JSON.stringify({ kind: 'Status', message: 'no', rest: 'x'.repeat(16 * MEBIBYTE) });
    server = createServer((_, response) => response.writeHead(500).end(text));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('is not read to the end by a watch', async () => {
    const transport = await connecting({ token: 't' }, { server: url, 'insecure-skip-tls-verify': true });
    const opened = transport.stream({ method: 'GET', path: '/', what: 'watch websites' });
    await expect(opened).rejects.toThrow(/^Could not watch websites: HTTP 500$/);
    await transport.close();
  });

  it('is named by the doctor', async () => {
    const asked = new URL(url);
    const why = 'answers with more than 16777216 bytes: check the address';
    const running = await statusAt('forwarder', asked);
    expect(running.status).toEqual({ missing: `${url}/statusz ${why}` });
    expect(await readinessFinding('forwarder', asked, [running])).toMatchObject({ message: `${url}/readyz ${why}` });
  });
});
