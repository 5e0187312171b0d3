// A control plane for a benchmark.
import { join } from 'node:path';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { cacheFolder, findBinaries } from '../../infra/local/binaries/binaries.ts';
import { allSources } from '../../infra/local/binaries/sources.ts';
import { startControlPlane } from '../../infra/local/control-plane/control-plane.ts';
import { install } from '../../infra/local/programs/install.ts';
import { NAMESPACE, writeKubeconfigFor, type ServiceAccount } from '../../infra/local/programs/kubeconfig.ts';
import { progress } from './measure.ts';

/** A real control plane, for one run. */
export interface BenchCluster {
  /** Of an administrator. */
  readonly transport: Transport;
  /** With the rights of each program. */
  readonly kubeconfigs: Readonly<Record<ServiceAccount, string>>;
  /** Of somebody who may do everything, but is not exempt from API priority and fairness. */
  readonly rival: string;
  readonly pids: ReadonlyMap<string, number>;
}

const RIVAL = 'rival';

/** Starts a control plane with the CRD and the rights of both programs, and stops it after the work. */
export async function withControlPlane<T>(
  work: (cluster: BenchCluster) => Promise<T>,
  controllers: 'on' | 'off' = 'on',
): Promise<T> {
  const binaries = await findBinaries({
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: allSources(),
    progress,
  });
  const controlPlane = await startControlPlane({ binaries, controllers });
  const address = { kubeconfig: controlPlane.kubeconfig };
  const transport = await connect(address);
  const kubeconfigOf = (account: string) =>
    writeKubeconfigFor(account, { transport, address, path: join(controlPlane.folder, `${account}.kubeconfig`) });
  try {
    await install(transport);
    const kubeconfigs = {
      'website-functions': await kubeconfigOf('website-functions'),
      'website-forwarder': await kubeconfigOf('website-forwarder'),
    };
    await createRival(transport);
    const cluster = { transport, kubeconfigs, rival: await kubeconfigOf(RIVAL), pids: controlPlane.pids };
    return await Promise.race([work(cluster), controlPlane.failure]);
  } finally {
    await transport.close();
    await controlPlane.stop();
  }
}

async function createRival(transport: Transport): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const account = { kind: 'ServiceAccount', name: RIVAL, namespace: NAMESPACE };
  const post = (path: string, body: object) => transport.json({ method: 'POST', path, body, what: `create ${RIVAL}` });
  await post(`/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: RIVAL } });
  await post(`/apis/${group}/v1/clusterrolebindings`, {
    metadata: { name: RIVAL },
    subjects: [account],
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'cluster-admin' },
  });
}
