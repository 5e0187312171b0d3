// What a spec says of its hosts, for the kinds of children that publish them.
import type { WebsiteSpec } from '../resource.ts';

/** All hosts of the site, each once. */
export const hostsOf = ({ host, hosts = [] }: WebsiteSpec): string[] => [
  ...new Set([...(host === undefined ? [] : [host]), ...hosts]),
];

type Path = NonNullable<WebsiteSpec['paths']>[number];

/** Without paths in the spec, the site has all of them. */
export const pathsOf = ({ paths = [] }: WebsiteSpec): readonly Path[] =>
  paths.length === 0 ? [{ path: '/', type: 'Prefix' }] : paths;

/** The Secret of the certificate. An issuer's Secret is named after the Website. */
export const secretOf = (website: string, { tls, tlsSecretName }: WebsiteSpec): string | undefined =>
  tls?.issuer === undefined ? (tls?.secretName ?? tlsSecretName) : `${website}-tls`;

/** A Gateway has its certificate at its listener, so with a Gateway the spec only says that there is one. */
export const schemeOf = ({ tls, tlsSecretName }: WebsiteSpec): 'http' | 'https' =>
  tls === undefined && tlsSecretName === undefined ? 'http' : 'https';

/** The first host that a browser can open, with a path that leads to the site. Undefined if all hosts are wildcards. */
export function urlFrom(spec: WebsiteSpec, scheme: 'http' | 'https'): string | undefined {
  const host = hostsOf(spec).find((each) => !each.startsWith('*.'));
  const [first] = pathsOf(spec)
    .map(({ path }) => path)
    .toSorted((one, other) => one.length - other.length);
  return host === undefined ? undefined : `${scheme}://${host}${first === '/' ? '' : first}`;
}
