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

interface Options {
  /** The folder from whose state it starts, and in which it leaves it. */
  readonly data?: string;
  /** `off` saves their CPU time where no Deployment has to become available, and nothing has to be collected. */
  readonly controllers?: 'on' | 'off';
}

/** A control plane with nothing installed. */
export async function startEmptyCluster(options: Options = {}): Promise<ControlPlane> {
  const binaries = await findBinaries({
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: allSources(),
    progress: () => {},
  });
  return startControlPlane({ binaries, ...options, audit: 'on' });
}

/** Starts one with Websites installed. */
export async function startOwnCluster(options: Options = {}): Promise<OwnCluster> {
  const controlPlane = await startEmptyCluster(options);
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
      if (options.data === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
