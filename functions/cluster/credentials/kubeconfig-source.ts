import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf, withoutQuotes } from '../causes.ts';
import { ClusterError } from '../errors.ts';
import { nameOf, readKubeconfig, type KubeconfigPlace } from './kubeconfig.ts';
import { withPlugins } from './exec-plugin.ts';
import { authorityIn, loginIn, takeFiles } from './kubeconfig-files.ts';
import { clusterProblem, hasLogin, userProblem } from './kubeconfig-problems.ts';
import type { CredentialSource, Material } from './material.ts';
import type { TlsOptions } from './plausible.ts';
import { shownUrl } from '../shown-url.ts';
import { withoutSecrets } from '../without-secrets.ts';

/** Where credentials come from: a kubeconfig, or without one the default order of kubectl and Pods. */
export interface ClusterAddress extends KubeconfigPlace {
  readonly context?: string | undefined;
  /** The folder of a Pod's ServiceAccount; the kubelet's if absent. */
  readonly serviceAccount?: string | undefined;
  /** Changes how users log in, for programs that cannot run their plugins. */
  readonly adapt?: ((config: KubeConfig) => void) | undefined;
}

/** The server that client-node falls back to if it finds no cluster. */
const NOWHERE = 'http://localhost:8080';

/** The credentials of a kubeconfig. @throws ClusterError `Unreachable` if it is unreadable, or lacks the context. */
export function kubeconfigSource(address: ClusterAddress): CredentialSource {
  const config = load(address);
  const files = takeFiles(config);
  withPlugins(config);
  const user = config.getCurrentUser();
  const name = nameOf(address);
  const owners = {
    cluster: `cluster ${config.getCurrentCluster()?.name} of the ${name}`,
    login: user === null ? name : `user ${user.name} of the ${name}`,
  };
  return {
    server: serverOf(config),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace || undefined,
    isAnonymous: user === null,
    files,
    owners,
    read: () => materialOf(config, files, owners),
  };
}

/** The message if nothing names a cluster. */
export const NO_CLUSTER = 'Found no cluster: set KUBECONFIG, or run in a Pod with a ServiceAccount';

/** Reads the kubeconfig. @throws ClusterError `Unreachable` if it is unreadable, or lacks the context. */
export function load(address: ClusterAddress): KubeConfig {
  const { kubeconfig, kubeconfigText, context, adapt } = address;
  const config = readKubeconfig(address);
  if (config.getCurrentCluster()?.server === NOWHERE && kubeconfig === undefined && kubeconfigText === undefined) {
    throw new ClusterError('Unreachable', NO_CLUSTER);
  }
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      throw new ClusterError(
        'Unreachable',
        `The kubeconfig has no context ${withoutSecrets(context)}; it has ${contextsIn(config)}`,
      );
    }
    config.setCurrentContext(context);
  }
  const name = nameOf(address);
  checkCluster(config, name);
  checkUser(config, name);
  adapt?.(config);
  return config;
}

function checkCluster(config: KubeConfig, name: string): void {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new ClusterError('Unreachable', noClusterIn(config, name));
  const problem = clusterProblem(cluster);
  if (problem !== undefined)
    throw new ClusterError('Unreachable', `The cluster ${cluster.name} of the ${name} ${problem}`);
}

function noClusterIn(config: KubeConfig, name: string): string {
  const current = config.getCurrentContext();
  if (!current) return `The ${name} names no current cluster: set a context`;
  const context = withoutSecrets(current);
  const cluster = config.getContextObject(current)?.cluster;
  if (cluster) return `The context ${context} of the ${name} names the cluster ${cluster}, which does not exist`;
  return `The ${name} names the current context ${context}, which does not exist; it has ${contextsIn(config)}`;
}

const contextsIn = (config: KubeConfig): string =>
  config
    .getContexts()
    .map(({ name }) => name)
    .join(', ') || 'none';

function checkUser(config: KubeConfig, name: string): void {
  const user = config.getCurrentUser();
  const isPlain = config.getCurrentCluster()?.server.startsWith('http:') === true;
  const named = config.getContextObject(config.getCurrentContext())?.user;
  if (user === null && named !== undefined)
    throw new ClusterError('Unreachable', `The context of the ${name} names the user ${named}, which does not exist`);
  if (user === null) return;
  const problem = userProblem(user) ?? (hasLogin(user) || isPlain ? undefined : NO_LOGIN);
  if (problem !== undefined) throw new ClusterError('Unreachable', `The user ${user.name} of the ${name} ${problem}`);
}

/** The API server would answer 403 to every request. */
const NO_LOGIN = 'has no supported credentials: use a token, a client certificate or an exec plugin';

/** `https://host:port/path`, without what may be secret. */
const serverOf = (config: KubeConfig): string => shownUrl(new URL(config.getCurrentCluster()?.server ?? ''));

/**
 * Reads the credentials of a kubeconfig from its files or its plugin. As in kubectl, data in the kubeconfig takes precedence over a file.
 * @throws ClusterError if that fails.
 */
async function materialOf(
  config: KubeConfig,
  files: CredentialSource['files'],
  { cluster, login }: NonNullable<CredentialSource['owners']>,
): Promise<Material> {
  const authority = await using(`certificate authority of the ${cluster}`, () => authorityIn(files));
  return using(`credentials of the ${login}`, async () => {
    const read = loginIn(files);
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized } = options;
    const given = { ca, cert, key, pfx, passphrase, servername, rejectUnauthorized };
    const tls = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as TlsOptions;
    return {
      tls: { ...authority, ...read.tls, ...tls },
      headers: { ...read.headers, ...identifyingHeaders(options) },
    };
  });
}

/** @throws ClusterError that says what could not be used. */
async function using<T>(what: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const cause = withoutQuotes(error);
    throw new ClusterError('Unreachable', `Could not use the ${what}: ${messageOf(cause)}`, { cause });
  }
}

function identifyingHeaders({ headers = {} }: RequestOptions): Record<string, string> {
  const given = Object.entries(headers as Record<string, string>);
  return Object.fromEntries(given.map(([name, value]) => [name.toLowerCase(), value.trim()]));
}
