// Kubeconfigs with which requests fail, or succeed only by chance: kubectl refuses them, or the Kubernetes client ignores a part.
import type { Cluster, User } from '@kubernetes/client-node';
import type { KubeconfigUser } from './kubeconfig-users.ts';
import { holdsCredentials, isHttp } from '../shown-url.ts';

/** Why this cluster of a kubeconfig cannot be used, and what to do. It quotes no value. */
export function clusterProblem({ server, proxyUrl, skipTLSVerify, caFile, caData }: Cluster): string | undefined {
  if (proxyUrl)
    return 'has a proxy-url, which is not supported: remove it, and let the program reach the API server directly';
  const url = URL.parse(server);
  if (url === null || !isHttp(url)) return 'has a server that is not an https URL: write https://HOST:PORT';
  if (holdsCredentials(url)) return `has a server whose URL holds credentials: remove them, and ${INSTEAD}`;
  if (skipTLSVerify && (caFile || caData))
    return 'has both insecure-skip-tls-verify and a certificate authority, which exclude each other: remove one of them';
  if (url.protocol === 'http:' && !skipTLSVerify)
    return 'has a server that is http, which sends credentials unencrypted: use https. For a proxy on this machine, add insecure-skip-tls-verify: true';
  return undefined;
}

const INSTEAD = 'give its user a token, a client certificate or an exec plugin';

/** Why this user of a kubeconfig cannot log in, and what to do. It quotes no value. */
export const userProblem = (user: KubeconfigUser): string | undefined =>
  impersonationProblem(user) ??
  passwordProblem(user) ??
  certificateProblem(user) ??
  pluginProblem(user) ??
  providerProblem(user);

const impersonationProblem = ({ unsupported }: KubeconfigUser): string | undefined =>
  unsupported && `has ${unsupported}, which is not supported: remove it, or use a user that has these rights itself`;

const passwordProblem = ({ username, password }: User): string | undefined =>
  username || password ? `has a user name or a password, which Kubernetes no longer accepts: ${INSTEAD}` : undefined;

function certificateProblem({ certFile, certData, keyFile, keyData }: User): string | undefined {
  const [hasCertificate, hasKey] = [Boolean(certFile || certData), Boolean(keyFile || keyData)];
  if (hasCertificate === hasKey) return undefined;
  return hasCertificate
    ? 'has a client certificate and no key: add client-key or client-key-data'
    : 'has a client key and no certificate: add client-certificate or client-certificate-data';
}

const PLUGIN_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'];

function pluginProblem({ exec }: User): string | undefined {
  if (!exec) return undefined;
  const { apiVersion, command } = exec as { readonly apiVersion?: string; readonly command?: string };
  if (!command) return 'has an exec plugin without a command: add the command';
  if (PLUGIN_VERSIONS.includes(apiVersion ?? '')) return undefined;
  return `has an exec plugin whose apiVersion is not ${PLUGIN_VERSIONS.join(' or ')}: update the plugin, and create the kubeconfig again`;
}

/** The plugins that replace the auth-providers of older kubectl. */
const SUCCESSORS: Readonly<Record<string, string>> = { gcp: 'gke-gcloud-auth-plugin', azure: 'kubelogin' };

function providerProblem({ authProvider }: User): string | undefined {
  if (!authProvider) return undefined;
  const { name = '', config } = authProvider as {
    readonly name?: string;
    readonly config?: { readonly tokenFile?: string; readonly exec?: unknown } | null;
  };
  if (name === 'oidc' || config?.tokenFile || config?.exec) return undefined;
  const successor = SUCCESSORS[name];
  return successor === undefined
    ? `has an auth-provider that is not supported: ${INSTEAD}`
    : `has the auth-provider ${name}, which kubectl no longer has either: create the kubeconfig again, with the exec plugin ${successor}`;
}

/** Whether the user has any credentials that the Kubernetes client understands. It treats others as anonymous. */
export const hasLogin = ({ token, certData, certFile, exec, authProvider }: User): boolean =>
  [token, certData, certFile, exec, authProvider].some(Boolean);
