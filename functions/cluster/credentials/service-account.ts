import { access } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { messageOf } from '../causes.ts';
import { ClusterError } from '../errors.ts';
import { credentialsIn } from './file-text.ts';
import type { CredentialSource, Material } from './material.ts';

/** Where the kubelet puts the ServiceAccount of a Pod. */
const KUBELETS = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The ServiceAccount of the Pod that this process runs in; `undefined` outside of a Pod, or if kubectl would find a kubeconfig. This
 * needs no part of the Kubernetes client, so most cold starts do not load it.
 * @throws ClusterError `Unreachable` if the Pod does not say where the API server is.
 */
export async function serviceAccount(folder = KUBELETS): Promise<CredentialSource | undefined> {
  const [authority, token] = [join(folder, 'ca.crt'), join(folder, 'token')];
  const isElsewhere = (await hasKubeconfig()) || !(await exists(token));
  if (isElsewhere) return undefined;
  return {
    server: serverIn(process.env),
    namespace: namespaceIn(join(folder, 'namespace')),
    isAnonymous: false,
    files: { authority, token, certificate: undefined, key: undefined },
    read: () => materialIn(authority, token),
  };
}

/** Looks where kubectl looks. */
async function hasKubeconfig(): Promise<boolean> {
  const { KUBECONFIG: variable = '', HOME: home = '' } = process.env;
  return variable !== '' || (home !== '' && (await exists(join(home, '.kube', 'config'))));
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function serverIn({
  KUBERNETES_SERVICE_HOST: host = '',
  KUBERNETES_SERVICE_PORT: port = '',
}: NodeJS.ProcessEnv): string {
  if (host !== '' && port !== '') return `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  throw new ClusterError(
    'Unreachable',
    'There is a ServiceAccount, but not KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT, which the kubelet sets in a Pod',
  );
}

function namespaceIn(file: string): string | undefined {
  try {
    return credentialsIn(file);
  } catch {
    return undefined;
  }
}

/** Reads both files each time: the kubelet replaces the token long before it expires. */
async function materialIn(authority: string, token: string): Promise<Material> {
  try {
    const [ca, text] = [credentialsIn(authority), credentialsIn(token)];
    return { tls: { ca }, headers: { authorization: `Bearer ${text.trim()}` } };
  } catch (cause) {
    throw new ClusterError('Unreachable', `Could not read the ServiceAccount of this Pod: ${messageOf(cause)}`, {
      cause,
    });
  }
}
