// Whether credentials that were just read can be used: a file may be half written at the moment that it is read.
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** PEM, or DER for `pfx`. */
export interface TlsOptions {
  readonly ca?: Pem;
  readonly cert?: Pem;
  readonly key?: Pem;
  readonly pfx?: Pem;
  readonly passphrase?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}
type Pem = string | Buffer;

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const WHOLE_CERTIFICATE = /-----BEGIN ((?:TRUSTED |X509 )?CERTIFICATE)-----[A-Za-z0-9+/=\s]+-----END \1-----/g;

/** Why an authority cannot be trusted; nothing where it can. Node itself ignores certificates that it cannot read. */
export function authorityProblem(ca: Pem): string | undefined {
  const text = ca.toString();
  const whole = text.match(WHOLE_CERTIFICATE) ?? [];
  const begun = text.match(CERTIFICATE) ?? [];
  if (whole.length === 0) return 'holds no certificate';
  return whole.length === begun.length && whole.every(isReadable) ? undefined : 'holds half a certificate';
}

function isReadable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** Why a client certificate cannot be used: half a file, or a key that is another's. */
export function clientCertificateProblem({ cert, key, pfx, passphrase }: TlsOptions): string | undefined {
  if (cert !== undefined && key === undefined) return 'there is a certificate and no key';
  if (key !== undefined && cert === undefined) return 'there is a key and no certificate';
  try {
    createSecureContext({ cert, key, pfx, passphrase });
    return undefined;
  } catch (error) {
    // OpenSSL's words name the fault and quote nothing: `error:05800074:x509 certificate routines::key values mismatch`.
    const [, words = 'it cannot be read'] =
      /^error:[0-9A-F]+:(.+)$/.exec(error instanceof Error ? error.message : '') ?? [];
    return words;
  }
}

/** What a header can carry. RFC 6750 allows less, and API servers take static tokens of any text. */
const BEARER = /^[\x21-\x7e]+$/;

/** Why a token cannot be the whole of one. What is in it is not looked at: that is for its reader. */
export function tokenProblem(token: string): string | undefined {
  if (token === '') return 'is empty';
  if (!BEARER.test(token)) return 'holds no bearer token';
  // The header of a JWT is a JSON object, which begins so in base64.
  return token.startsWith('eyJ') && !isWholeJwt(token) ? 'holds half a token' : undefined;
}

function isWholeJwt(token: string): boolean {
  const parts = token.split('.');
  if (parts.length !== 3 || parts.some((part) => part === '')) return false;
  return parts.slice(0, 2).every((part) => {
    try {
      return typeof JSON.parse(Buffer.from(part, 'base64url').toString()) === 'object';
    } catch {
      return false;
    }
  });
}
