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
  const { kubeconfig, folder } = controlPlane;
  const admin = await connect({ kubeconfig });
  await install(admin);
  const path = join(folder, 'website-forwarder.kubeconfig');
  await writeKubeconfigFor('website-forwarder', { transport: admin, address: { kubeconfig }, path });
  return {
    kubeconfig,
    forwarderKubeconfig: path,
    admin,
    async stop() {
      await admin.close();
      await controlPlane.stop();
    },
  };
}
