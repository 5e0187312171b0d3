import type { ClusterAddress } from '../../functions/cluster/credentials.ts';

/** What to try now, and for a cluster of the user's how to take away again what was installed. */
export function advice({ kubeconfig, context }: ClusterAddress, cluster: 'local' | 'own'): string[] {
  const kubectl = `kubectl --kubeconfig ${kubeconfig}${context === undefined ? '' : ` --context ${context}`}`;
  const lines = [
    'Try:',
    `  ${kubectl} get websites,deployments,services`,
    `  ${kubectl} scale website hello --replicas 3`,
    `  ${kubectl} delete deployment hello-deployment`,
    '',
  ];
  if (cluster === 'local') return lines;
  return [
    ...lines.with(2, `  ${kubectl} apply -f crds/samples/minimal.yaml`),
    'The CRD and the rights stay when this ends. To remove them, and with them all Websites:',
    `  ${kubectl} delete -f crds/website.yaml`,
    `  ${kubectl} delete -k infra/kubernetes/rights`,
    '',
  ];
}
