import type { ClusterError } from '../../../functions/cluster/errors.ts';

/** What to do if the API server does not answer a question of the doctor. */
export function remedyOf({ code }: ClusterError): string {
  switch (code) {
    case 'Forbidden':
      return 'your user lacks this right: run website doctor as an administrator';
    case 'Unauthorized':
      return 'log in again: the API server does not accept the credentials of the kubeconfig';
    case 'UnknownResource':
      return 'kubectl apply --server-side -f crds/website.yaml, of this release';
    case 'NotFound':
      return 'give --installation with the namespace of the forwarder and the functions';
    default:
      return 'check the server of the kubeconfig and the network. kubectl get --raw /readyz asks the API server itself';
  }
}
