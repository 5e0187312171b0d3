import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { cacheFolder, findBinaries } from '../../infra/local/binaries/binaries.ts';
import { startControlPlane, type ControlPlane } from '../../infra/local/control-plane/control-plane.ts';
import { allSources } from '../../infra/local/binaries/sources.ts';
import { install } from '../../infra/local/programs/install.ts';
import { writeKubeconfigFor, type ServiceAccount } from '../../infra/local/programs/kubeconfig.ts';
import type { Access } from './stage.ts';

/** A control plane of one test alone, for what would be everybody's trouble. */
export interface OwnCluster extends Access {
  /** As an administrator. */
  readonly admin: Transport;
  readonly functionsKubeconfig: string;
  /** Of the programs of the control plane. */
  readonly pids: ReadonlyMap<string, number>;
  /** Every request that the API server answered, a JSON object a line. */
  readonly auditLog: string;
  stop(): Promise<void>;
}

/** A control plane with nothing installed. @param data folder from whose state it starts, and in which it leaves it. */
export async function startEmptyCluster(data?: string): Promise<ControlPlane> {
  const binaries = await findBinaries({
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: allSources(),
    progress: () => {},
  });
  return startControlPlane({ binaries, data, audit: 'on' });
}

/** Starts one with Websites installed. @param data as above. */
export async function startOwnCluster(data?: string): Promise<OwnCluster> {
  const controlPlane = await startEmptyCluster(data);
  const { kubeconfig, folder, pids } = controlPlane;
  const admin = await connect({ kubeconfig });
  await install(admin);
  const kubeconfigOf = (account: ServiceAccount) => {
    const path = join(folder, `${account}.kubeconfig`);
    return writeKubeconfigFor(account, { transport: admin, address: { kubeconfig }, path });
  };
  return {
    kubeconfig,
    forwarderKubeconfig: await kubeconfigOf('website-forwarder'),
    functionsKubeconfig: await kubeconfigOf('website-functions'),
    admin,
    pids,
    auditLog: join(folder, 'logs', 'audit.log'),
    async stop() {
      await admin.close();
      await controlPlane.stop();
      // A test that kills a program of it makes its logs stay.
      if (data === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
