import type { ClusterAddress } from '../../../functions/cluster/credentials.ts';

/** Commands to try, and for the user's own cluster the commands that uninstall everything. */
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
    'The CRD and the RBAC rules stay installed when this command ends. To remove them and all Websites:',
    `  ${kubectl} delete -f crds/website.yaml`,
    `  ${kubectl} delete -k infra/kubernetes/rights`,
    '',
  ];
}
