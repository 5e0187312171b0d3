// Files of credentials that are incomplete or wrong at the moment when they are read again.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest';
import { load } from '../../../functions/cluster/credentials/kubeconfig-source.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { Troubles } from '../../../functions/cluster/troubles.ts';
import { authority } from '../../../infra/local/control-plane/certificates.ts';
import { tokenOf } from '../../../infra/local/programs/kubeconfig.ts';
import { eventually } from '../../eventually.ts';
import { faultProxy } from '../../faults/proxy.ts';
import { startSink } from '../../faults/sink.ts';
import { startForwarder, startFunctions, type Program } from '../../program.ts';
import { createNamespace, createWebsite } from '../../real-cluster.ts';

let admin: Transport;
let folder: string;
const close: (() => unknown)[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'half-written-'))));
afterEach(async () => {
  vi.useRealTimers();
  for (const each of close.splice(0).toReversed()) await each();
  rmSync(folder, { recursive: true });
});

const file = (name: string) => join(folder, name);
const half = (name: string) => {
  const text = readFileSync(file(name), 'utf8');
  writeFileSync(file(name), text.slice(0, text.length / 2));
};
/** A client certificate of the control plane's own authority, in the files that the kubeconfig names. */
async function issue(commonName: string, files: readonly ('certificate' | 'key')[] = ['certificate', 'key']) {
  const own = await authority(join(dirname(inject('kubeconfig')), 'pki'));
  const issued = await own.issue({ commonName, organization: 'system:masters' });
  for (const each of files) writeFileSync(file(each), issued[each]);
}
function kubeconfigFor(user: object): string {
  const { server, caFile = '' } = load({ kubeconfig: inject('kubeconfig') }).getCurrentCluster() ?? {};
  copyFileSync(caFile, file('ca'));
  const config = {
    clusters: [{ name: 'x', cluster: { server, 'certificate-authority': file('ca') } }],
    users: [{ name: 'x', user }],
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    'current-context': 'x',
  };
  writeFileSync(file('kubeconfig'), JSON.stringify(config));
  return file('kubeconfig');
}
const byCertificate = () => kubeconfigFor({ 'client-certificate': file('certificate'), 'client-key': file('key') });
const byToken = () => kubeconfigFor({ tokenFile: file('token') });
const writeToken = async (account: string) =>
  writeFileSync(file('token'), await tokenOf(account, { transport: admin }));
const ROBOT = 'system:serviceaccount:website-reconciler:website-functions';
const NEXT = 'system:serviceaccount:website-reconciler:website-forwarder';

/** The user names that the API server sees in several requests at once, each on a new connection. */
async function connected(kubeconfig: string) {
  const warnings: object[] = [];
  const troubles = new Troubles({ info: () => {}, warn: (fields) => void warnings.push(fields) });
  const transport = await connect({ kubeconfig }, troubles);
  close.push(() => transport.close());
  const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
  const ask = async () =>
    (
      (await transport.json({ method: 'POST', path, what: 'ask who we are', body })) as {
        status: { userInfo: { username: string } };
      }
    ).status.userInfo.username;
  const whoAmI = async () => [...new Set(await Promise.all(Array.from({ length: 8 }, ask)))];
  return { whoAmI, troubles, warnings };
}
const later = () => vi.advanceTimersByTime(61_000);

describe('The previous credentials stay in use after', () => {
  const start = { certificate: () => issue('first'), token: () => writeToken('website-functions') };
  const good = { certificate: () => issue('second'), token: () => writeToken('website-forwarder') };
  const names = { certificate: ['first', 'second'], token: [ROBOT, NEXT] };

  it.each<[string, 'certificate' | 'token', () => unknown, RegExp]>([
    ['half a certificate', 'certificate', () => half('certificate'), /client certificate .*bad end line/],
    ['half a key', 'certificate', () => half('key'), /client certificate/],
    ['a key of another certificate', 'certificate', () => issue('second', ['key']), /key values mismatch/],
    ['an empty certificate', 'certificate', () => writeFileSync(file('certificate'), ''), /no start line/],
    ['a missing certificate', 'certificate', () => rmSync(file('certificate')), /ENOENT.*certificate/],
    [
      'a malformed certificate authority',
      'certificate',
      () => writeFileSync(file('ca'), 'garbage'),
      /holds no certificate/,
    ],
    ['half a certificate authority', 'certificate', () => half('ca'), /authority .*holds no certificate/],
    ['an empty token', 'token', () => writeFileSync(file('token'), '\n'), /token .*is empty/],
    ['half a token', 'token', () => half('token'), /token .*holds half a token/],
    [
      'a token without the end of its signature',
      'token',
      () => writeFileSync(file('token'), readFileSync(file('token'), 'utf8').slice(0, -20)),
      /acceptance of the new credentials .*401/,
    ],
    ['a binary token', 'token', () => writeFileSync(file('token'), '\0\u0001'), /holds no bearer token/],
    ['a missing token', 'token', () => rmSync(file('token')), /ENOENT/],
  ])('%s', async (_, kind, spoil, words) => {
    // Credentials are read again after a while. The clock must stay real for certificates, which expire.
    vi.useFakeTimers({ toFake: kind === 'token' ? ['performance', 'Date'] : ['performance'] });
    const kubeconfig = kind === 'token' ? byToken() : byCertificate();
    const authorityBefore = readFileSync(file('ca'));
    await start[kind]();
    const { whoAmI, troubles, warnings } = await connected(kubeconfig);
    const [first, second] = names[kind];
    expect(await whoAmI()).toEqual([first]);
    await spoil();
    for (let time = 0; time < 3; time++) {
      later();
      expect(await whoAmI()).toEqual([first]);
    }
    expect(troubles.lines().join('\n')).toMatch(words);
    expect(troubles.lines().join('\n')).toContain('the previous one stays in use');
    expect(warnings).toHaveLength(1);
    expect(JSON.stringify(warnings)).not.toMatch(/BEGIN|eyJ/);
    await good[kind]();
    writeFileSync(file('ca'), authorityBefore);
    const whoAmILater = () => {
      later();
      return whoAmI();
    };
    await eventually(async () => expect(await whoAmILater()).toEqual([second]), { deadlineMs: 600_000 });
    expect(troubles.lines()).toEqual([]);
  });

  it.each([
    ['half a kubeconfig', (text: string) => text.slice(0, text.length / 2)],
    ['a kubeconfig without its users', (text: string) => JSON.stringify({ ...JSON.parse(text), users: undefined })],
    ['an empty kubeconfig', () => ''],
    ['a kubeconfig of another cluster', (text: string) => text.replaceAll('127.0.0.1', 'elsewhere.example.com')],
  ])('%s', async (_, spoil) => {
    const proxy = await faultProxy(inject('functionsKubeconfig'));
    close.push(() => proxy.close());
    const { whoAmI, troubles } = await connected(proxy.kubeconfig);
    expect(await whoAmI()).toEqual([ROBOT]);
    const text = readFileSync(proxy.kubeconfig, 'utf8');
    writeFileSync(proxy.kubeconfig, spoil(text));
    proxy.add({ path: /./, fault: { answer: 401, reason: 'Unauthorized' }, times: 1 });
    await whoAmI().catch(() => {});
    expect(await whoAmI()).toEqual([ROBOT]);
    expect(troubles.lines().join('\n')).toMatch(/^kubeconfig for http/);
    writeFileSync(proxy.kubeconfig, text);
    proxy.add({ path: /./, fault: { answer: 401, reason: 'Unauthorized' }, times: 1 });
    await whoAmI().catch(() => {});
    expect(troubles.lines()).toEqual([]);
  });
});

it('A new certificate is used at once, although connections are open', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  await issue('first');
  const { whoAmI } = await connected(byCertificate());
  expect(await whoAmI()).toEqual(['first']);
  await issue('second');
  later();
  // Requests during the reading of the files still use the old certificate.
  await whoAmI();
  expect(await whoAmI()).toEqual(['second']);
});

describe('After half a client certificate, a whole one is used by the built program of', () => {
  async function outlives(program: Program, work: (name: string) => Promise<void>) {
    close.push(() => program.stop());
    const url = String((await program.line('Listening'))['url']);
    const ready = async () => (await fetch(new URL('readyz', url))).text();
    await work('a');
    const key = readFileSync(file('key'), 'utf8').split('\n')[1] ?? '';
    half('certificate');
    // The first request more than 10 s after the last reading reads the certificates again.
    await eventually(async () => {
      await work('b');
      expect(await ready()).toMatch(/^ok\nclient certificate .*bad end line; the previous one stays in use\n$/);
    });
    await work('c');
    expect(program.process.exitCode).toBeNull();
    await issue('second');
    await eventually(async () => {
      await work('d');
      expect(await ready()).toBe('ok\n');
    });
    expect(program.lines.filter(({ msg }) => msg === 'Kept the previous credentials')).toHaveLength(1);
    expect(JSON.stringify(program.lines) + program.stderr.join('')).not.toContain(key);
    expect(await program.stop()).toBe(0);
  }

  it('the functions', async () => {
    await issue('first');
    // A resync of all namespaces would write the Websites of the tests that run beside this one.
    const namespace = await createNamespace(admin, 'half-written');
    const program = startFunctions({
      KUBECONFIG: byCertificate(),
      NAMESPACES: namespace,
      RESYNC_INTERVAL_SECONDS: '0',
    });
    const url = String((await program.line('Listening'))['url']);
    // Each lists four times at once.
    const resync = async () => {
      expect((await fetch(new URL('resync', url), { method: 'POST' })).status).toBe(204);
    };
    await outlives(program, resync);
  });

  it('the forwarder', async () => {
    await issue('first');
    const namespace = await createNamespace(admin, 'half-written');
    const sink = await startSink(namespace);
    close.push(() => sink.close());
    // The Lease is renewed every second, and a watch reconnects when its connection ends.
    const program = startForwarder(
      ['--sink', sink.url, '--host', '127.0.0.1', '--port', '0', '--lease', namespace, '--namespaces', namespace],
      { KUBECONFIG: byCertificate() },
    );
    let count = 0;
    await outlives(program, async (name) => {
      const key = { namespace, name: `${name}-${count++}` };
      await createWebsite(admin, key, { image: 'nginx:1', replicas: 0 });
      await eventually(() => expect(sink.accepted.map((event) => event.name)).toContain(key.name));
    });
  });
});
