import { writeFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { load, type ClusterAddress } from '../../../functions/cluster/credentials.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';

/** The namespace of both programs and their ServiceAccounts. */
export const NAMESPACE = 'website-reconciler';
export type ServiceAccount = 'website-forwarder' | 'website-functions';

/** `npm start` does not renew tokens, so this bounds how long it can run. */
const TOKEN_SECONDS = 24 * 60 * 60;

export interface KubeconfigOptions {
  readonly transport: Transport;
  readonly address: ClusterAddress;
  /** Where to write the kubeconfig. */
  readonly path: string;
  /** The namespace of the ServiceAccount. */
  readonly namespace?: string;
}

export interface TokenOptions {
  readonly transport: Transport;
  /** The namespace of the ServiceAccount. */
  readonly namespace?: string;
  /** Who accepts the token. The API server when absent. */
  readonly audience?: string;
}

/** Requests a token for a ServiceAccount. */
export async function tokenOf(
  account: string,
  { transport, namespace = NAMESPACE, audience }: TokenOptions,
): Promise<string> {
  const audiences = audience === undefined ? {} : { audiences: [audience] };
  const spec = { expirationSeconds: TOKEN_SECONDS, ...audiences };
  const { status } = (await transport.json({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    what: `create serviceaccounts/token ${account}`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
  })) as { status: { token: string } };
  return status.token;
}

/** Writes a kubeconfig that gives a program the rights of its ServiceAccount and no others. */
export async function writeKubeconfigFor(
  account: string,
  { transport, address, path, namespace = NAMESPACE }: KubeconfigOptions,
): Promise<string> {
  const cluster = load(address).getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig names no current cluster');
  const own = new KubeConfig();
  own.loadFromClusterAndUser(cluster, { name: account, token: await tokenOf(account, { transport, namespace }) });
  writeFileSync(path, own.exportConfig(), { mode: 0o600 });
  return path;
}

/** The name of the context that the address selects. */
export const contextOf = (address: ClusterAddress): string => load(address).getCurrentContext();
