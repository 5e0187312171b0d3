// Checks whether credentials are complete, because a file may be half written when it is read.
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

/** Why a certificate authority is unusable; `undefined` if it is usable. Node silently ignores certificates that it cannot read. */
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

/** Why a client certificate is unusable: its file is incomplete, or the key belongs to another certificate. */
export function clientCertificateProblem({ cert, key, pfx, passphrase }: TlsOptions): string | undefined {
  if (cert !== undefined && key === undefined) return 'there is a certificate and no key';
  if (key !== undefined && cert === undefined) return 'there is a key and no certificate';
  try {
    createSecureContext({ cert, key, pfx, passphrase });
    return undefined;
  } catch (error) {
    // OpenSSL's messages quote no input: `error:05800074:x509 certificate routines::key values mismatch`.
    const [, reason = 'it cannot be read'] =
      /^error:[0-9A-F]+:(.+)$/.exec(error instanceof Error ? error.message : '') ?? [];
    return reason;
  }
}

/** The characters that a header can carry. RFC 6750 allows fewer, but API servers accept any text as a static token. */
const BEARER = /^[\x21-\x7e]+$/;

/** Why a token is unusable: empty, binary or incomplete. Its claims are for the API server to check. */
export function tokenProblem(token: string): string | undefined {
  if (token === '') return 'is empty';
  if (!BEARER.test(token)) return 'holds no bearer token';
  // A JWT begins with a JSON object, which is `eyJ` in base64.
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
