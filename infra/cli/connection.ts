import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { patient } from './patience.ts';

/** The flags that every command has, as in kubectl. */
export interface ConnectionFlags {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  readonly allNamespaces?: boolean | undefined;
}

export interface Connection {
  readonly transport: Transport;
  /** Lists in the chosen namespaces. */
  readonly cluster: Cluster;
  /** The namespace of names without one: that of the flag, else that of the context, else `default`. */
  readonly namespace: string;
  /** The namespace of the flag. A name must not contradict it. */
  readonly only?: string | undefined;
}

/**
 * Connects as the user of the kubeconfig, and without one as kubectl does: `~/.kube/config`, or the ServiceAccount of a Pod.
 * @param note prints what it waits for if the API server does not answer for some seconds.
 * @throws ClusterError if there is no such kubeconfig or context.
 */
export async function connection(
  { kubeconfig, context, namespace, allNamespaces }: ConnectionFlags,
  note: (line: string) => void,
): Promise<Connection> {
  const transport = patient(await connect({ kubeconfig, context }), note);
  const chosen = namespace ?? transport.namespace ?? 'default';
  return {
    transport,
    cluster: kubernetes(transport, allNamespaces === true ? undefined : [chosen]),
    namespace: chosen,
    only: namespace,
  };
}
