import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { authority, signingKeys } from '../../../infra/local/control-plane/certificates.ts';
import { writeCredentials } from '../../../infra/local/control-plane/credentials.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'certificates-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('A certificate names its user and group, belongs to its key, and is signed by the authority', async () => {
  const ca = await authority(folder);
  const issued = await ca.issue({ commonName: 'admin', organization: 'system:masters' });
  const certificate = new X509Certificate(issued.certificate);
  const root = new X509Certificate(ca.certificate);
  expect(certificate.subject.split('\n').toSorted()).toEqual(['CN=admin', 'O=system:masters']);
  expect(certificate.checkPrivateKey(createPrivateKey(issued.key))).toBe(true);
  expect(certificate.verify(root.publicKey)).toBe(true);
  expect([root.ca, certificate.ca]).toEqual([true, false]);
});

it('A certificate is valid for servers on loopback only', async () => {
  const ca = await authority(folder);
  const certificate = new X509Certificate((await ca.issue({ commonName: 'server' })).certificate);
  expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(certificate.checkHost('localhost')).toBe('localhost');
  expect(certificate.checkHost('example.com')).toBeUndefined();
});

it('The authority and the signing keys of a folder are reused', async () => {
  const [first, second] = [await authority(folder), await authority(folder)];
  expect(second.certificate).toBe(first.certificate);
  const issued = new X509Certificate((await second.issue({ commonName: 'a' })).certificate);
  expect(issued.verify(new X509Certificate(first.certificate).publicKey)).toBe(true);
  const { privateFile } = await signingKeys(folder);
  const written = statSync(privateFile).mtimeMs;
  await signingKeys(folder);
  expect(statSync(privateFile).mtimeMs).toBe(written);
});

it('Only the owner can read the keys', async () => {
  const files = await writeCredentials(folder);
  const { privateFile } = await signingKeys(folder);
  for (const key of [files.key('admin'), files.key('server'), join(folder, 'ca.key'), privateFile]) {
    expect(statSync(key).mode & 0o777).toBe(0o600);
  }
});
