import type { ClusterAddress } from './kubeconfig-source.ts';
import type { CredentialSource } from './material.ts';
import { serviceAccount } from './service-account.ts';

/**
 * Finds the credentials for the API server at this address. It loads the code that reads a kubeconfig only for a kubeconfig, because
 * that would be a fifth of what a start loads.
 * @throws ClusterError `Unreachable` if it finds no credentials, or cannot read them.
 */
export async function sourceAt(address: ClusterAddress): Promise<CredentialSource> {
  const { kubeconfig, kubeconfigText, context } = address;
  const isDefault = [kubeconfig, kubeconfigText, context].every((given) => given === undefined);
  const ofPod = isDefault ? await serviceAccount(address.serviceAccount) : undefined;
  if (ofPod !== undefined) return ofPod;
  const { kubeconfigSource } = await import('./kubeconfig-source.ts');
  return kubeconfigSource(address);
}
