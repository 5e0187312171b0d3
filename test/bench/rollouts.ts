// What the Deployment controller writes in the end, because no controller runs while operators are compared.
import type { Transport } from '../../functions/cluster/transport.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { patch } from '../real-cluster.ts';
import type { Requests } from './requests.ts';

/** Reports that the newest spec of a Deployment is rolled out. @param path of the Deployment. */
export async function rollOut(transport: Transport, path: string): Promise<void> {
  const { metadata, spec } = (await transport.json({ method: 'GET', path, what: `read ${path}` })) as Deployment;
  const { generation: observedGeneration } = metadata;
  const { replicas } = spec;
  const counts = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
  await patch(transport, `${path}/status`, { status: { observedGeneration, ...counts } });
}

/** The requests of that. */
export const rollOutRequests = (deployments: number): Requests => ({
  'GET deployments': deployments,
  'PATCH deployments/status': deployments,
});
