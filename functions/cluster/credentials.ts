import type { RequestOptions } from 'node:https';
import { delimiter } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { withEntra } from './entra.ts';
import { ClusterError } from './errors.ts';
import type { Material } from './material.ts';
import type { TlsOptions } from './plausible.ts';

/** Where the credentials come from: a kubeconfig, or the default order of kubectl and of Pods when there is none. */
export interface ClusterAddress {
  /** A file, or several, as kubectl takes them in KUBECONFIG: what comes first counts. */
  readonly kubeconfig?: string | undefined;
  /** A kubeconfig itself, where there are no files. */
  readonly kubeconfigText?: string | undefined;
  readonly context?: string | undefined;
}

/** What client-node takes for the cluster where nothing names one. */
const NOWHERE = 'http://localhost:8080';

/** Reads the kubeconfig. @throws ClusterError `Unreachable` when it cannot be, or has no such context. */
export function load(address: ClusterAddress): KubeConfig {
  const { kubeconfig, kubeconfigText, context } = address;
  const config = read(address);
  if (config.getCurrentCluster()?.server === NOWHERE && kubeconfig === undefined && kubeconfigText === undefined) {
    throw new ClusterError('Unreachable', 'Found no cluster: set KUBECONFIG, or run in a Pod with a ServiceAccount');
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new ClusterError(
        'Unreachable',
        `The kubeconfig has no context ${context}; it has ${known.join(', ') || 'none'}`,
      );
    }
    config.setCurrentContext(context);
  }
  checkUser(config);
  withEntra(config);
  return config;
}

function read({ kubeconfig, kubeconfigText }: ClusterAddress): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfigText !== undefined) config.loadFromString(kubeconfigText);
    else if (kubeconfig !== undefined) readFiles(config, kubeconfig.split(delimiter));
    else config.loadFromDefault();
  } catch (error) {
    const cause = unquoted(error);
    const which = kubeconfigText === undefined ? (kubeconfig ?? '(default)') : 'text';
    throw new ClusterError('Unreachable', `Could not read the kubeconfig ${which}: ${words(cause)}`, { cause });
  }
  return config;
}

function readFiles(config: KubeConfig, [first = '', ...others]: readonly string[]): void {
  config.loadFromFile(first);
  for (const path of others) {
    const other = new KubeConfig();
    other.loadFromFile(path);
    config.mergeConfig(other, config.currentContext !== undefined);
  }
}

/** client-node takes a user whose kind of credentials it does not know for nobody, and every answer would be 403. */
function checkUser(config: KubeConfig): void {
  const user = config.getCurrentUser();
  const isPlain = config.getCurrentCluster()?.server.startsWith('http:') === true;
  const named = config.getContextObject(config.getCurrentContext())?.user;
  if (user === null && named !== undefined)
    throw new ClusterError('Unreachable', `The kubeconfig has no user ${named}, which its context names`);
  if (user === null || isPlain) return;
  const { token, certData, certFile, exec, authProvider, username } = user;
  if ([token, certData, certFile, exec, authProvider, username].some(Boolean)) return;
  throw new ClusterError(
    'Unreachable',
    `The user ${user.name} of the kubeconfig has no credentials that can be used: give it a token, a client certificate or an exec plugin (tokenFile is not understood)`,
  );
}

/** `https://host:port`. @throws ClusterError when there is no current cluster, or one behind a proxy. */
export function serverOf(config: KubeConfig): string {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new ClusterError('Unreachable', 'The kubeconfig names no current cluster: set a context');
  if (cluster.proxyUrl !== undefined && cluster.proxyUrl !== '') {
    throw new ClusterError('Unreachable', 'The kubeconfig has a proxy-url, which is not supported');
  }
  return cluster.server;
}

async function httpsOptions(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  try {
    // It refuses plain http unless TLS verification is off; only loopback proxies have a reason to use it.
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    const cause = unquoted(error);
    throw new ClusterError('Unreachable', `Could not use the credentials of the kubeconfig: ${words(cause)}`, {
      cause,
    });
  }
  return options;
}

/**
 * Reads the credentials of a kubeconfig: its files, or what its plugin says.
 * @throws ClusterError where they cannot be read.
 */
export async function materialOf(config: KubeConfig): Promise<Material> {
  const options = await httpsOptions(config);
  const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
  const given = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
  const tls = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as TlsOptions;
  return { tls, headers: identifyingHeaders(options) };
}

function identifyingHeaders({ headers, auth }: RequestOptions): Record<string, string> {
  const basic = typeof auth === 'string' ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
  const given = Object.entries((headers ?? {}) as Record<string, string>);
  return { ...basic, ...Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value.trim()])) };
}

/** What an error says; undici wraps the system's words in a cause. */
export function words(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' && error.cause !== undefined ? words(error.cause) : error.message;
}

/** What a parser says quotes what it was given, and that may be anybody's secret. */
export function unquoted(error: unknown): unknown {
  if (error instanceof SyntaxError) return new Error('its answer is not JSON');
  if (error instanceof Error && error.name === 'YAMLException') return new Error('it is not YAML');
  return error;
}
