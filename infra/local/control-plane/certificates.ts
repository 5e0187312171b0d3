// @peculiar/x509 uses a dependency injection library that requires this import to come first.
import 'reflect-metadata';
import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  webcrypto,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { fileText, LARGEST_CREDENTIALS } from '../../../functions/cluster/credentials/file-text.ts';
import { makeFolder } from '../make-folder.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const YEAR_MS = 365 * 24 * 60 * 60 * 1000;
/** Certificates become valid this much earlier, because clocks differ a little. */
const SKEW_MS = 60_000;

/** A file of an earlier start cannot be used. The message names the file. */
export class DamagedFileError extends Error {
  override readonly name = 'DamagedFileError';
}

/** A certificate and its key, in PEM. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
}

/** The identity in a certificate. Kubernetes uses the common name as the user and the organization as the group. */
export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
}

/** Signs certificates for one control plane. */
export interface Authority {
  /** In PEM. */
  readonly certificate: string;
  issue(subject: Subject): Promise<Credentials>;
}

/** Loads the certificate authority in `folder`, or creates one. With --data, both the data and the authority are reused. @throws DamagedFileError */
export async function authority(folder: string): Promise<Authority> {
  makeFolder(folder, 0o700);
  const files = { certificate: join(folder, 'ca.crt'), key: join(folder, 'ca.key') };
  if (!existsSync(files.key)) await createAuthority(files);
  checkAuthority(files);
  const certificate = fileText(files.certificate, LARGEST_CREDENTIALS);
  const issuer = new x509.X509Certificate(certificate);
  const signingKey = await privateKey(fileText(files.key, LARGEST_CREDENTIALS));
  return { certificate, issue: (subject) => issue(issuer, signingKey, subject) };
}

/** @throws DamagedFileError */
function checkAuthority(files: Credentials): void {
  const certificate = parsed(files.certificate, (text) => new X509Certificate(text));
  const key = parsed(files.key, keyFrom);
  if (!certificate.ca || !certificate.checkPrivateKey(key))
    throw new DamagedFileError(`${files.certificate} does not belong to ${files.key}`);
}

/** Reads a file of an earlier start. @throws DamagedFileError */
function parsed<T>(file: string, parse: (text: string) => T): T {
  let text: string;
  try {
    text = fileText(file, LARGEST_CREDENTIALS);
  } catch (error) {
    throw new DamagedFileError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? messageOf(error)})`,
      { cause: error },
    );
  }
  try {
    return parse(text);
  } catch (error) {
    throw new DamagedFileError(`${file} is damaged`, { cause: error });
  }
}

/** The only kind of key that we write. */
function keyFrom(text: string): KeyObject {
  const key = createPrivateKey(text);
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') throw new Error('It is not a P-256 key');
  return key;
}

async function createAuthority(files: Credentials): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(10),
    name: 'CN=website-reconciler-local',
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  writeFileSync(files.certificate, certificate.toString('pem'));
  writeFileSync(files.key, await pem(keys.privateKey), { mode: 0o600 });
}

/** Issues a certificate that servers on loopback and clients can use. */
async function issue(
  issuer: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  subject: Subject,
): Promise<Credentials> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const organization = subject.organization === undefined ? [] : [{ O: [subject.organization] }];
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(1),
    subject: new x509.Name([...organization, { CN: [subject.commonName] }]).toString(),
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  return { certificate: certificate.toString('pem'), key: await pem(keys.privateKey) };
}

const validity = (years: number) => ({
  serialNumber: randomBytes(16).toString('hex'),
  notBefore: new Date(Date.now() - SKEW_MS),
  notAfter: new Date(Date.now() + years * YEAR_MS),
});

/** The key pair that signs and verifies ServiceAccount tokens. @throws DamagedFileError */
export async function signingKeys(
  folder: string,
): Promise<{ readonly privateFile: string; readonly publicFile: string }> {
  const files = { privateFile: join(folder, 'service-account.key'), publicFile: join(folder, 'service-account.pub') };
  if (!existsSync(files.privateFile)) {
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const exported = await webcrypto.subtle.exportKey('spki', keys.publicKey);
    writeFileSync(files.publicFile, x509.PemConverter.encode(exported, 'PUBLIC KEY'));
    writeFileSync(files.privateFile, await pem(keys.privateKey), { mode: 0o600 });
  }
  const ownPublic = createPublicKey(parsed(files.privateFile, keyFrom));
  if (!parsed(files.publicFile, createPublicKey).equals(ownPublic))
    throw new DamagedFileError(`${files.publicFile} does not belong to ${files.privateFile}`);
  return files;
}

const pem = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');

async function privateKey(text: string): Promise<webcrypto.CryptoKey> {
  const [encoded] = x509.PemConverter.decode(text);
  if (encoded === undefined) throw new Error('The key of the certificate authority is not PEM');
  return webcrypto.subtle.importKey('pkcs8', encoded, ALGORITHM, false, ['sign']);
}
