import { join } from 'node:path';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { cacheFolder, findBinaries } from '../../infra/local/binaries.ts';
import { startControlPlane } from '../../infra/local/control-plane.ts';
import { officialReleases } from '../../infra/local/download.ts';
import { goBuild } from '../../infra/local/go-build.ts';
import { install } from '../../infra/local/install.ts';
import { writeKubeconfigFor } from '../../infra/local/kubeconfig.ts';
import type { Access } from './stage.ts';

/** A control plane of one test alone, for what would be everybody's trouble. */
export interface OwnCluster extends Access {
  /** As an administrator. */
  readonly admin: Transport;
  readonly functionsKubeconfig: string;
  /** Of its programs, by name. */
  readonly pids: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

/** Starts it with Websites installed. @param data folder from whose state it starts, and in which it leaves it. */
export async function startOwnCluster(data?: string): Promise<OwnCluster> {
  const binaries = await findBinaries({
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: [officialReleases(), goBuild()],
    progress: () => {},
  });
  const controlPlane = await startControlPlane({ binaries, data });
  const { kubeconfig, folder, pids } = controlPlane;
  const admin = await connect({ kubeconfig });
  await install(admin);
  const kubeconfigFor = async (account: 'website-forwarder' | 'website-functions') => {
    const path = join(folder, `${account}.kubeconfig`);
    await writeKubeconfigFor(account, { transport: admin, address: { kubeconfig }, path });
    return path;
  };
  return {
    kubeconfig,
    forwarderKubeconfig: await kubeconfigFor('website-forwarder'),
    functionsKubeconfig: await kubeconfigFor('website-functions'),
    admin,
    pids,
    async stop() {
      await admin.close();
      await controlPlane.stop();
    },
  };
}
