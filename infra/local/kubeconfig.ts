import { writeFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { load, type ClusterAddress } from '../../functions/cluster/credentials.ts';
import type { Transport } from '../../functions/cluster/transport.ts';

/** The namespace of the programs, and their ServiceAccounts. */
export const NAMESPACE = 'website-reconciler';
export type ServiceAccount = 'website-forwarder' | 'website-functions';

/** As long as anybody leaves `npm start` running. */
const TOKEN_SECONDS = 24 * 60 * 60;

/** What the new kubeconfig is made from, and where it goes. */
export interface KubeconfigOptions {
  readonly transport: Transport;
  readonly address: ClusterAddress;
  readonly path: string;
  /** Of the ServiceAccount. */
  readonly namespace?: string;
}

export interface TokenOptions {
  readonly transport: Transport;
  /** Of the ServiceAccount. */
  readonly namespace?: string;
  /** Whom it is shown to; the API server when absent. */
  readonly audience?: string;
}

/** A token of a program's own ServiceAccount. */
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

/** Writes a kubeconfig with which a program has its own rights and no others. */
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

/** The name of the context that the address leads to. */
export const contextOf = (address: ClusterAddress): string => load(address).getCurrentContext();
