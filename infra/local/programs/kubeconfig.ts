import { renameSync, writeFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { load, type ClusterAddress } from '../../../functions/cluster/credentials/kubeconfig-source.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';

/** The namespace of both programs and their ServiceAccounts. */
export const NAMESPACE = 'website-reconciler';
export type ServiceAccount = 'website-forwarder' | 'website-functions';

/** The lifetime to ask for. The API server may give less. */
const TOKEN_SECONDS = 24 * 60 * 60;

export interface KubeconfigOptions {
  readonly transport: Transport;
  readonly address: ClusterAddress;
  /** Where to write the kubeconfig. */
  readonly path: string;
  /** The namespace of the ServiceAccount. */
  readonly namespace?: string;
  /** The lifetime of the token to ask for, at least 600. */
  readonly seconds?: number;
}

export interface TokenOptions {
  readonly transport: Transport;
  /** The namespace of the ServiceAccount. */
  readonly namespace?: string;
  /** Who accepts the token. The API server when absent. */
  readonly audience?: string;
  /** The lifetime to ask for, at least 600. */
  readonly seconds?: number;
}

export interface Token {
  readonly token: string;
  readonly expires: Date;
}

/** Requests a token for a ServiceAccount. */
export async function requestToken(
  account: string,
  { transport, namespace = NAMESPACE, audience, seconds = TOKEN_SECONDS }: TokenOptions,
): Promise<Token> {
  const audiences = audience === undefined ? {} : { audiences: [audience] };
  const spec = { expirationSeconds: seconds, ...audiences };
  const { status } = (await transport.json({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    what: `create serviceaccounts/token ${account}`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
  })) as { status: { token: string; expirationTimestamp: string } };
  return { token: status.token, expires: new Date(status.expirationTimestamp) };
}

/** Requests a token for a ServiceAccount, and returns only the token. */
export const tokenOf = async (account: string, options: TokenOptions): Promise<string> =>
  (await requestToken(account, options)).token;

/** Writes a kubeconfig that gives a program the rights of its ServiceAccount and no others. @returns when its token expires. */
export async function renewKubeconfig(
  account: string,
  { address, path, ...options }: KubeconfigOptions,
): Promise<Date> {
  const cluster = load(address).getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig names no current cluster');
  const { token, expires } = await requestToken(account, options);
  const own = new KubeConfig();
  own.loadFromClusterAndUser(cluster, { name: account, token });
  replaceFile(path, own.exportConfig());
  return expires;
}

/** The same, and returns the path. */
export async function writeKubeconfigFor(account: string, options: KubeconfigOptions): Promise<string> {
  await renewKubeconfig(account, options);
  return options.path;
}

/** Replaces a file of secrets in one step, because a program may read it at any time. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The name of the context that the address selects. */
export const contextOf = (address: ClusterAddress): string => load(address).getCurrentContext();
