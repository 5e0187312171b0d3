import type { KubeConfig, User } from '@kubernetes/client-node';
import { authorityProblem, clientCertificateProblem, tokenProblem, type TlsOptions } from './plausible.ts';

/** The credentials for one API server: the certificates for TLS, and the headers that identify us. */
export interface Material {
  readonly tls: TlsOptions;
  readonly headers: Readonly<Record<string, string>>;
}

/** Why one part of the credentials is unusable. */
export interface MaterialProblem {
  readonly part: keyof Material;
  /** The part in words, with its files. */
  readonly subject: string;
  readonly why: string;
}

/** Checks credentials that have just been read, because their files may be half written. */
export function problemsOf(config: KubeConfig, { tls, headers }: Material): MaterialProblem[] {
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  if (cluster?.server.startsWith('http:') === true) return [];
  const found = [
    { part: 'tls', subject: `certificate authority${inFile(cluster?.caFile)}`, why: trustProblem(tls) },
    {
      part: 'tls',
      subject: `client certificate${inFile(user?.certFile)}${inFile(user?.keyFile)}`,
      why: clientCertificateProblem(tls),
    },
    {
      part: 'headers',
      subject: `token${inFile(tokenFileOf(user))}`,
      why: user === null || isIdentified(tls) ? undefined : bearerProblem(headers),
    },
  ] as const;
  return found.flatMap(({ why, ...about }) => (why === undefined ? [] : [{ ...about, why }]));
}

const inFile = (path: string | null | undefined): string => (path ? ` ${path}` : '');

const tokenFileOf = (user: User | null): string | undefined =>
  (user?.authProvider as { config?: { tokenFile?: string } } | null | undefined)?.config?.tokenFile;

const trustProblem = ({ ca, rejectUnauthorized }: TlsOptions): string | undefined =>
  ca === undefined || rejectUnauthorized === false ? undefined : authorityProblem(ca);

/** With a client certificate, no token is needed. */
const isIdentified = ({ cert, pfx }: TlsOptions): boolean => cert !== undefined || pfx !== undefined;

function bearerProblem({ authorization = '' }: Material['headers']): string | undefined {
  if (authorization.startsWith('Basic ')) return undefined;
  return tokenProblem(authorization.replace(/^Bearer */, ''));
}
