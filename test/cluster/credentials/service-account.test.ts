// The credentials of a Pod, in the files that the kubelet keeps.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Rotation } from '../../../functions/cluster/credentials/rotation.ts';
import { sourceAt } from '../../../functions/cluster/credentials/source.ts';
import { Troubles } from '../../../functions/cluster/troubles.ts';
import { authority } from '../../../infra/local/control-plane/certificates.ts';

let ca: string;
let pki: string;
let folder: string;

beforeAll(async () => {
  pki = mkdtempSync(join(tmpdir(), 'pki-'));
  ca = (await authority(pki)).certificate;
});
afterAll(() => rmSync(pki, { recursive: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pod-'));
  for (const [name, text] of Object.entries({ 'ca.crt': ca, token: 'first\n', namespace: 'shops' })) write(name, text);
  vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.0.0.1');
  vi.stubEnv('KUBERNETES_SERVICE_PORT', '443');
  vi.stubEnv('KUBECONFIG', '');
  vi.stubEnv('HOME', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const pod = () => ({ serviceAccount: folder });

it('A Pod needs nothing but its ServiceAccount', async () => {
  const source = await sourceAt(pod());
  expect(source).toMatchObject({ server: 'https://10.0.0.1:443', namespace: 'shops', isAnonymous: false });
  const { tls, headers } = await source.read();
  expect([String(tls.ca), headers]).toEqual([ca, { authorization: 'Bearer first' }]);
});

it('A Pod may reach the API server by IPv6, and have no namespace', async () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', 'fd00::1');
  rmSync(join(folder, 'namespace'));
  expect(await sourceAt(pod())).toMatchObject({ server: 'https://[fd00::1]:443', namespace: undefined });
});

it.each(['KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT'])('A Pod without %s is reported', async (name) => {
  vi.stubEnv(name, '');
  await expect(sourceAt(pod())).rejects.toMatchObject({ code: 'Unreachable', message: expect.stringContaining(name) });
});

const KUBECONFIG = JSON.stringify({
  clusters: [{ name: 'x', cluster: { server: 'https://x.example.com' } }],
  users: [{ name: 'x', user: { token: 't' } }],
  contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
  'current-context': 'x',
});

it.each([
  ['that is given', () => ({ kubeconfig: join(folder, 'config') })],
  ['that is given as text', () => ({ kubeconfigText: KUBECONFIG })],
  ['that KUBECONFIG names', () => vi.stubEnv('KUBECONFIG', join(folder, 'config')) && {}],
  [
    'in the home folder',
    () => {
      mkdirSync(join(folder, '.kube'));
      write('.kube/config', KUBECONFIG);
      return {};
    },
  ],
])('A kubeconfig %s takes precedence over the ServiceAccount', async (_, address) => {
  write('config', KUBECONFIG);
  expect(await sourceAt({ ...pod(), ...address() })).toMatchObject({ server: 'https://x.example.com' });
});

it('Without a token, there is no cluster', async () => {
  rmSync(join(folder, 'token'));
  await expect(sourceAt(pod())).rejects.toThrow('Found no cluster: set KUBECONFIG, or run in a Pod');
});

it('A token that the kubelet renews is used within ten seconds, and at once if the previous one is refused', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const rotation = await Rotation.at(pod(), new Troubles());
  const first = await rotation.current();
  rotation.accept(first);
  write('token', 'second');
  expect(await rotation.current()).toBe(first);
  vi.advanceTimersByTime(10_001);
  const second = await rotation.current();
  expect(second).toEqual({ ...first, headers: { authorization: 'Bearer second' } });
  // The connections stay.
  expect(second.tls).toBe(first.tls);
  write('token', 'third');
  expect(await rotation.replacementFor(second)).toMatchObject({ headers: { authorization: 'Bearer third' } });
});

it.each([
  ['token', 'eyJhbGciOi', /^token .*token for https:\/\/10\.0\.0\.1:443: holds half a token/],
  ['token', '', /^token .*: is empty/],
  ['ca.crt', '-----BEGIN CERTIFICATE-----\nMII', /^certificate authority .*ca\.crt for .*: holds no certificate/],
])('A %s that is %o leaves the previous credentials in use', async (name, text, words) => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const troubles = new Troubles();
  const rotation = await Rotation.at(pod(), troubles);
  const first = await rotation.current();
  write(name, text);
  vi.advanceTimersByTime(10_001);
  expect(await rotation.current()).toEqual(first);
  expect(troubles.lines()).toEqual([expect.stringMatching(words)]);
  write(name, name === 'token' ? 'first' : ca);
  vi.advanceTimersByTime(10_001);
  expect(await rotation.current()).toEqual(first);
  expect(troubles.lines()).toEqual([]);
});

it('Files that vanish leave the previous credentials in use', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const troubles = new Troubles();
  const rotation = await Rotation.at(pod(), troubles);
  const first = await rotation.current();
  rmSync(join(folder, 'ca.crt'));
  vi.advanceTimersByTime(10_001);
  expect(await rotation.current()).toBe(first);
  expect(troubles.lines()).toEqual([
    expect.stringMatching(/Could not read the ServiceAccount of this Pod: \S+ca\.crt: ENOENT/),
  ]);
});

it('A start without a readable authority ends with its reason', async () => {
  rmSync(join(folder, 'ca.crt'));
  const rotation = await Rotation.at(pod(), new Troubles());
  await expect(rotation.current()).rejects.toThrow(/ServiceAccount of this Pod: \S+ca\.crt: ENOENT/);
});
