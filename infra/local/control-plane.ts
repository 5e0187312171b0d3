import { mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../functions/cluster/transport.ts';
import { writeCredentials, writeUserKubeconfig, type User } from './credentials.ts';
import { keptFolder, temporaryFolder, type DataFolder } from './data-folder.ts';
import { apiServerFlags, auditFlags, controllerFlags, etcdFlags, kwokFlags, schedulerFlags } from './flags.ts';
import { Processes, ProgramEndedError } from './processes.ts';
import type { Binaries } from './versions.ts';

export interface ControlPlane {
  /** Kubeconfig of an administrator. */
  readonly kubeconfig: string;
  readonly server: string;
  /** Folder with everything that belongs to it. */
  readonly folder: string;
  /** Its process ids, by program. */
  readonly pids: ReadonlyMap<string, number>;
  /** Rejects when one of its programs ends by itself; never resolves. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly binaries: Binaries;
  /** Keeps the data, and starts from what is there; a temporary folder that goes at the end when absent. */
  readonly data?: string | undefined;
  /** `on` writes every request that was answered to logs/audit.log, a JSON object a line. */
  readonly audit?: 'on' | 'off';
  /** `enforced`: to change an owner reference takes the right to delete the object, as in OpenShift. Kubernetes' default is `free`. */
  readonly ownership?: 'enforced' | 'free';
  /** `off` leaves etcd and the API server alone: nothing else acts on objects. */
  readonly controllers?: 'on' | 'off';
}

/** An API server starts in seconds; a machine under load takes longer. */
const START_MS = 120_000;
const POLL_MS = 50;
const ATTEMPTS = 3;
/** Simulated machines have room for whatever a test asks for. */
const NODE = 'simulated';

/**
 * Starts a real control plane on free loopback ports: etcd, kube-apiserver with RBAC, kube-controller-manager,
 * kube-scheduler and one simulated node.
 * @throws ProgramEndedError when a program ends at once, DataFolderError when the data cannot be kept there.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startIn(options.data === undefined ? temporaryFolder() : keptFolder(options.data), options);
    } catch (error) {
      // Between finding a free port and listening on it, somebody else may take it.
      const portWasTaken = error instanceof ProgramEndedError && error.message.includes('address already in use');
      if (!portWasTaken || attempt === ATTEMPTS) throw error;
    }
  }
}

async function startIn(folder: DataFolder, options: ControlPlaneOptions): Promise<ControlPlane> {
  const { binaries, controllers = 'on' } = options;
  const { path } = folder;
  const processes = new Processes(join(path, 'logs'), folder.leftover);
  const givenUp = new AbortController();
  try {
    for (const part of ['logs', 'etcd', 'pki']) mkdirSync(join(path, part), { recursive: true, mode: 0o700 });
    const [server = '', etcd = '', etcdPeer = ''] = await freeAddresses(3);
    const addresses = { server, etcd, etcdPeer };
    const files = await writeCredentials(join(path, 'pki'));
    const kubeconfig = (user: User) => writeUserKubeconfig(join(path, `${user}.kubeconfig`), server, user, files);

    processes.start('etcd', binaries.etcd, etcdFlags(folder, addresses, files));
    const flags = [...(await apiServerFlags(addresses, files)), ...optionalFlags(path, options)];
    processes.start('kube-apiserver', binaries['kube-apiserver'], flags);
    const admin = kubeconfig('admin');
    await Promise.race([answers(admin, givenUp.signal), processes.failure]);
    if (controllers === 'on') {
      const controllerManagerFlags = await controllerFlags(kubeconfig('controllers'), files);
      processes.start('kube-controller-manager', binaries['kube-controller-manager'], controllerManagerFlags);
      processes.start('kube-scheduler', binaries['kube-scheduler'], schedulerFlags(kubeconfig('scheduler')));
      processes.start('kwok', binaries.kwok, kwokFlags(kubeconfig('kwok')));
      await Promise.race([addNode(admin), processes.failure]);
    }
    const { failure, pids } = processes;
    return { kubeconfig: admin, server, folder: path, pids, failure, stop: () => processes.stop() };
  } catch (error) {
    givenUp.abort(error);
    await processes.stop();
    throw error;
  }
}

const optionalFlags = (folder: string, { audit = 'off', ownership = 'free' }: ControlPlaneOptions): string[] => [
  ...(audit === 'on' ? auditFlags(folder) : []),
  ...(ownership === 'enforced' ? ['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'] : []),
];

async function answers(kubeconfig: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + START_MS;
  const transport = await connect({ kubeconfig });
  const tryOnce = async (): Promise<boolean> => {
    try {
      (await transport.stream({ method: 'GET', path: '/readyz', what: 'reach the API server', signal })).resume();
      return true;
    } catch (error) {
      if (performance.now() > deadline || signal.aborted) throw error;
      return false;
    }
  };
  try {
    while (!(await tryOnce())) await delay(POLL_MS);
  } finally {
    await transport.close();
  }
}

async function addNode(kubeconfig: string): Promise<void> {
  const transport = await connect({ kubeconfig });
  try {
    await transport.json({
      method: 'PATCH',
      path: `/api/v1/nodes/${NODE}?fieldManager=website-reconciler-local&force=true`,
      what: 'add the simulated node',
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE, annotations: { 'kwok.x-k8s.io/node': 'fake' } } },
    });
  } finally {
    await transport.close();
  }
}

/** Addresses on this machine whose ports are free now, all different. */
async function freeAddresses(count: number): Promise<string[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports.map((port) => `https://127.0.0.1:${port}`);
}
