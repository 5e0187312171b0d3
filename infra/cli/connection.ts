import { load, type ClusterAddress } from '../../functions/cluster/credentials.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Cluster } from '../../functions/cluster/cluster.ts';

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
}

/**
 * Connects as the user of the kubeconfig: the flag's, else that of KUBECONFIG, else `~/.kube/config`.
 * @throws ClusterError if there is no such kubeconfig or context.
 */
export async function connection({
  kubeconfig,
  context,
  namespace,
  allNamespaces,
}: ConnectionFlags): Promise<Connection> {
  const address: ClusterAddress = { kubeconfig, context };
  const config = load(address);
  const inContext = config.getContextObject(config.getCurrentContext())?.namespace;
  const chosen = namespace ?? (inContext === undefined || inContext === '' ? 'default' : inContext);
  const transport = await connect(address);
  return {
    transport,
    cluster: kubernetes(transport, allNamespaces === true ? undefined : [chosen]),
    namespace: chosen,
  };
}
