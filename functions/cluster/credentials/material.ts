import { authorityProblem, clientCertificateProblem, tokenProblem, type TlsOptions } from './plausible.ts';

/** The credentials for one API server: the certificates for TLS, and the headers that identify us. */
export interface Material {
  readonly tls: TlsOptions;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where the credentials for one API server come from. */
export interface CredentialSource {
  /** `https://host:port/path`. Messages show it, so it holds no secret. */
  readonly server: string;
  /** The namespace to work in, if the source names one. */
  readonly namespace: string | undefined;
  /** Whether it names no user, so that no credentials are sent. */
  readonly isAnonymous: boolean;
  /** The files that it reads, for messages. */
  readonly files: Readonly<Record<'authority' | 'certificate' | 'key' | 'token', string | undefined>>;
  /** Whose the credentials are in a kubeconfig, for messages. */
  readonly owners?: { readonly cluster: string; readonly login: string };
  /** Reads the credentials as they are now. @throws ClusterError */
  read(): Promise<Material>;
}

/** Why one part of the credentials is unusable. */
export interface MaterialProblem {
  readonly part: keyof Material;
  /** The part in words, with its files. */
  readonly subject: string;
  /** ` of the cluster west of the kubeconfig FILE`; empty outside a kubeconfig. */
  readonly owner: string;
  readonly why: string;
}

/** Checks credentials that have just been read, because their files may be half written. */
export function problemsOf(
  { server, isAnonymous, files, owners }: Omit<CredentialSource, 'read'>,
  { tls, headers }: Material,
): MaterialProblem[] {
  if (server.startsWith('http:')) return [];
  const [cluster, login] = [ownedBy(owners?.cluster), ownedBy(owners?.login)];
  const found = [
    { part: 'tls', subject: `certificate authority${inFile(files.authority)}`, owner: cluster, why: trustProblem(tls) },
    {
      part: 'tls',
      subject: `client certificate${inFile(files.certificate)}${inFile(files.key)}`,
      owner: login,
      why: clientCertificateProblem(tls),
    },
    {
      part: 'headers',
      subject: `token${inFile(files.token)}`,
      owner: login,
      why: isAnonymous || isIdentified(tls) ? undefined : bearerProblem(headers),
    },
  ] as const;
  return found.flatMap(({ why, ...about }) => (why === undefined ? [] : [{ ...about, why }]));
}

const ownedBy = (owner: string | undefined): string => (owner === undefined ? '' : ` of the ${owner}`);
const inFile = (path: string | undefined): string => (path ? ` ${path}` : '');

const trustProblem = ({ ca, rejectUnauthorized }: TlsOptions): string | undefined =>
  ca === undefined || rejectUnauthorized === false ? undefined : authorityProblem(ca);

/** With a client certificate, no token is needed. */
const isIdentified = ({ cert, pfx }: TlsOptions): boolean => cert !== undefined || pfx !== undefined;

const bearerProblem = ({ authorization = '' }: Material['headers']): string | undefined =>
  tokenProblem(authorization.replace(/^Bearer */, ''));
