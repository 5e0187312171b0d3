import { rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../../../functions/cluster/transport.ts';
import { writeCredentials, writeUserKubeconfig, type User } from './credentials.ts';
import {
  alsoHeldBy,
  endErrorOf,
  releasedFolder,
  startErrorOf,
  temporaryFolder,
  type DataFolder,
} from './data-folder.ts';
import { apiServerFlags, auditFlags, controllerFlags, etcdFlags, kwokFlags, schedulerFlags } from './program-flags.ts';
import { makeFolder } from '../make-folder.ts';
import { Processes, ProgramEndedError } from '../processes/processes.ts';
import type { Binaries } from '../binaries/versions.ts';

export interface ControlPlane {
  /** Kubeconfig of an administrator. */
  readonly kubeconfig: string;
  readonly server: string;
  /** Contains all files of the control plane. */
  readonly folder: string;
  /** Process ids, by program. */
  readonly pids: ReadonlyMap<string, number>;
  /** Rejects when one of the programs ends unexpectedly. Never resolves. */
  readonly failure: Promise<never>;
  /** The programs. Others that use the control plane can join them: they stop first. */
  readonly processes: Processes;
  stop(): Promise<void>;
}

export interface ControlPlaneOptions {
  readonly binaries: Binaries;
  /** The folder that keeps the data between runs. When absent, the data is temporary. */
  readonly data?: string | undefined;
  /** Says what the start waits for. */
  readonly note?: (line: string) => void;
  /** Says what went wrong without stopping the control plane. */
  readonly warn?: (text: string) => void;
  /** `on` writes each completed request to logs/audit.log, as one JSON object per line. */
  readonly audit?: 'on' | 'off';
  /**
   * `enforced`: a change of an object's owner references requires the right to delete the object, as in OpenShift. Kubernetes'
   * default is `free`.
   */
  readonly ownership?: 'enforced' | 'free';
  /** `off` starts only etcd and the API server, so that no controller acts on objects. */
  readonly controllers?: 'on' | 'off';
}

/** The API server usually starts within seconds, but takes much longer on a busy machine. */
const START_MS = 120_000;
const POLL_MS = 50;
const ATTEMPTS = 3;
const NODE = 'simulated';

/**
 * Starts a real control plane on free loopback ports: etcd, kube-apiserver with RBAC, kube-controller-manager,
 * kube-scheduler and one simulated node.
 * @throws ProgramEndedError if a program ends during the start.
 * @throws DataFolderError if it cannot use the data folder.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt++) {
    const folder = await folderFor(options);
    try {
      const controlPlane = await startIn(folder, options);
      return options.data === undefined ? controlPlane : withAdvice(controlPlane, options.data);
    } catch (error) {
      if (portWasTaken(error) && attempt === ATTEMPTS) throw error;
      if (!portWasTaken(error)) throw options.data === undefined ? error : startErrorOf(error, options.data, folder);
      if (folder.lifetime === 'temporary') rmSync(folder.path, { recursive: true, force: true });
    }
  }
}

const folderFor = async ({ data, note = () => {} }: ControlPlaneOptions): Promise<DataFolder> =>
  data === undefined ? temporaryFolder() : releasedFolder(data, note);

function withAdvice(controlPlane: ControlPlane, name: string): ControlPlane {
  const failure = controlPlane.failure.catch((error: unknown) => {
    throw endErrorOf(error, name);
  });
  failure.catch(() => {});
  return { ...controlPlane, failure };
}

/** Another process can take a free port between the time we find it and the time a program listens on it. */
const portWasTaken = (error: unknown): boolean =>
  error instanceof ProgramEndedError && error.message.includes('address already in use');

async function startIn(folder: DataFolder, options: ControlPlaneOptions): Promise<ControlPlane> {
  const { binaries, controllers = 'on', warn = () => {} } = options;
  const { path } = folder;
  const processes = new Processes(join(path, 'logs'));
  const abandoned = new AbortController();
  try {
    alsoHeldBy(folder, processes.guardian);
    processes.removeAtEnd(folder.leftover);
    for (const part of ['logs', 'etcd', 'pki']) makeFolder(join(path, part), 0o700);
    const [server = '', etcd = '', etcdPeer = ''] = await freeAddresses(3);
    const addresses = { server, etcd, etcdPeer };
    const files = await writeCredentials(join(path, 'pki'));
    const kubeconfig = (user: User) => writeUserKubeconfig(join(path, `${user}.kubeconfig`), server, user, files);

    processes.start('etcd', binaries.etcd, etcdFlags(folder, addresses, files));
    const flags = [...(await apiServerFlags(addresses, files)), ...optionalFlags(path, options)];
    processes.start('kube-apiserver', binaries['kube-apiserver'], flags);
    const admin = kubeconfig('admin');
    await Promise.race([untilReady(admin, abandoned.signal), processes.failure]);
    if (controllers === 'on') {
      const controllerManagerFlags = await controllerFlags(kubeconfig('controllers'), files);
      processes.start('kube-controller-manager', binaries['kube-controller-manager'], controllerManagerFlags);
      processes.start('kube-scheduler', binaries['kube-scheduler'], schedulerFlags(kubeconfig('scheduler')));
      // KWOK 0.8 sometimes crashes in its first seconds (`concurrent map writes`). It has no state, so another one goes on.
      processes.start('kwok', binaries.kwok, kwokFlags(kubeconfig('kwok')), {
        restarts: 5,
        onRestart: (how) => warn(`kwok ended (${how}) and was started again`),
      });
      await Promise.race([addNode(admin), processes.failure]);
    }
    const { failure, pids } = processes;
    return { kubeconfig: admin, server, folder: path, pids, failure, processes, stop: () => processes.stop() };
  } catch (error) {
    abandoned.abort(error);
    await processes.stop();
    throw error;
  }
}

const optionalFlags = (folder: string, { audit = 'off', ownership = 'free' }: ControlPlaneOptions): string[] => [
  ...(audit === 'on' ? auditFlags(folder) : []),
  ...(ownership === 'enforced' ? ['--enable-admission-plugins=OwnerReferencesPermissionEnforcement'] : []),
];

async function untilReady(kubeconfig: string, signal: AbortSignal): Promise<void> {
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

/** Different loopback addresses whose ports are free now. */
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
