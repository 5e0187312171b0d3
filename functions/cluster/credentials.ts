import type { RequestOptions } from 'node:https';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { messageOf, withoutQuotes } from './causes.ts';
import { ClusterError } from './errors.ts';
import { readKubeconfig, type KubeconfigPlace } from './kubeconfig.ts';
import type { CredentialSource, Material } from './material.ts';
import type { TlsOptions } from './plausible.ts';
import { holdsCredentials, isHttp, shownUrl } from './shown-url.ts';

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
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  return {
    server: serverOf(config),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace || undefined,
    isAnonymous: user === null,
    files: {
      authority: cluster?.caFile,
      certificate: user?.certFile,
      key: user?.keyFile,
      token: tokenFileOf(user),
    },
    read: () => materialOf(config),
  };
}

const tokenFileOf = (user: User | null): string | undefined =>
  (user?.authProvider as { config?: { tokenFile?: string } } | null | undefined)?.config?.tokenFile;

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
      const known = config.getContexts().map(({ name }) => name);
      throw new ClusterError(
        'Unreachable',
        `The kubeconfig has no context ${context}; it has ${known.join(', ') || 'none'}`,
      );
    }
    config.setCurrentContext(context);
  }
  checkUser(config);
  adapt?.(config);
  return config;
}

/** client-node treats a user with unknown credentials as anonymous, and the API server would answer 403 to every request. */
function checkUser(config: KubeConfig): void {
  const user = config.getCurrentUser();
  const isPlain = config.getCurrentCluster()?.server.startsWith('http:') === true;
  const named = config.getContextObject(config.getCurrentContext())?.user;
  if (user === null && named !== undefined)
    throw new ClusterError(
      'Unreachable',
      `The context of the kubeconfig names the user ${named}, which does not exist`,
    );
  if (user === null || isPlain) return;
  const { token, certData, certFile, exec, authProvider, username } = user;
  if ([token, certData, certFile, exec, authProvider, username].some(Boolean)) return;
  throw new ClusterError(
    'Unreachable',
    `The user ${user.name} of the kubeconfig has no supported credentials: use a token, a client certificate or an exec plugin (tokenFile is not supported)`,
  );
}

/**
 * `https://host:port/path`, without what may be secret.
 * @throws ClusterError if there is no current cluster, it is behind a proxy, or its URL is invalid or holds credentials.
 */
export function serverOf(config: KubeConfig): string {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new ClusterError('Unreachable', 'The kubeconfig names no current cluster: set a context');
  if (cluster.proxyUrl !== undefined && cluster.proxyUrl !== '') {
    throw new ClusterError('Unreachable', 'The kubeconfig has a proxy-url, which is not supported');
  }
  const server = `The server of the kubeconfig context ${config.getCurrentContext()}`;
  const url = URL.parse(cluster.server);
  if (url === null || !isHttp(url)) throw new ClusterError('Unreachable', `${server} is no http or https URL`);
  if (holdsCredentials(url))
    throw new ClusterError(
      'Unreachable',
      `${server} holds credentials: give its user a token, a client certificate or an exec plugin instead`,
    );
  return shownUrl(url);
}

async function httpsOptions(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  try {
    // client-node refuses plain http unless TLS verification is off. Only loopback proxies need plain http.
    await config.applyToHTTPSOptions(options);
  } catch (error) {
    const cause = withoutQuotes(error);
    throw new ClusterError('Unreachable', `Could not use the credentials of the kubeconfig: ${messageOf(cause)}`, {
      cause,
    });
  }
  return options;
}

/**
 * Reads the credentials of a kubeconfig from its files or its plugin.
 * @throws ClusterError if that fails.
 */
async function materialOf(config: KubeConfig): Promise<Material> {
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
