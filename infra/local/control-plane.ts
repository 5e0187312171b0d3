import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connect } from '../../functions/cluster/transport.ts';
import { authority, signingKeys, type Authority, type Subject } from './certificates.ts';
import { Processes } from './processes.ts';
import type { Binaries } from './versions.ts';

export interface ControlPlane {
  /** Kubeconfig of an administrator. */
  readonly kubeconfig: string;
  readonly server: string;
  /** Folder with everything that belongs to it. */
  readonly folder: string;
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
}

/** An API server starts in seconds; a machine under load takes longer. */
const START_MS = 120_000;
const POLL_MS = 50;
/** Simulated machines have room for whatever a test asks for. */
const NODE = 'simulated';

/**
 * Starts a real control plane on free loopback ports: etcd, kube-apiserver with RBAC, kube-controller-manager,
 * kube-scheduler and one simulated node.
 * @throws ProgramEndedError when a program ends at once.
 */
export async function startControlPlane({ binaries, data, audit = 'off' }: ControlPlaneOptions): Promise<ControlPlane> {
  const folder = data ?? mkdtempSync(join(tmpdir(), 'website-reconciler-'));
  for (const part of ['logs', 'etcd']) mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
  const processes = new Processes(join(folder, 'logs'), data === undefined ? folder : undefined);
  try {
    const [port, etcdPort, peerPort] = await freePorts(3);
    const pki = join(folder, 'pki');
    const ca = await authority(pki);
    const files = await writeCredentials(pki, ca);
    const server = `https://127.0.0.1:${port}`;
    const kubeconfig = (user: keyof typeof USERS) =>
      writeKubeconfig(join(folder, `${user}.kubeconfig`), server, user, files);
    const etcd = `https://127.0.0.1:${etcdPort}`;

    processes.start(
      'etcd',
      binaries.etcd,
      etcdFlags(folder, etcd, `https://127.0.0.1:${peerPort}`, files, data === undefined),
    );
    processes.start('kube-apiserver', binaries['kube-apiserver'], [
      ...(await apiServerFlags(etcd, port ?? 0, pki, files)),
      ...(audit === 'on' ? auditFlags(folder) : []),
    ]);
    const admin = kubeconfig('admin');
    await Promise.race([answers(admin), processes.failure]);
    processes.start(
      'kube-controller-manager',
      binaries['kube-controller-manager'],
      controllerFlags(kubeconfig('controllers'), pki, files),
    );
    processes.start('kube-scheduler', binaries['kube-scheduler'], [
      `--kubeconfig=${kubeconfig('scheduler')}`,
      '--secure-port=0',
      '--leader-elect=false',
      ...QUICK,
    ]);
    processes.start('kwok', binaries.kwok, [
      `--kubeconfig=${kubeconfig('kwok')}`,
      `--config=${fileURLToPath(new URL('kwok.yaml', import.meta.url))}`,
      '--manage-all-nodes=true',
    ]);
    await Promise.race([addNode(admin), processes.failure]);
    return { kubeconfig: admin, server, folder, failure: processes.failure, stop: () => processes.stop() };
  } catch (error) {
    await processes.stop();
    throw error;
  }
}

const QUICK = ['--kube-api-qps=2000', '--kube-api-burst=4000'];

/** Everybody who has a certificate. The simulated node acts for kubelets of any name, which no narrower group may. */
const USERS = {
  admin: { commonName: 'admin', organization: 'system:masters' },
  controllers: { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
  kwok: { commonName: 'kwok', organization: 'system:masters' },
  server: { commonName: 'kube-apiserver' },
} as const satisfies Record<string, Subject>;

interface Files {
  readonly ca: string;
  readonly certificate: (user: keyof typeof USERS) => string;
  readonly key: (user: keyof typeof USERS) => string;
}

async function writeCredentials(pki: string, ca: Authority): Promise<Files> {
  const files: Files = {
    ca: join(pki, 'ca.crt'),
    certificate: (user) => join(pki, `${user}.crt`),
    key: (user) => join(pki, `${user}.key`),
  };
  await Promise.all(
    (Object.keys(USERS) as (keyof typeof USERS)[]).map(async (user) => {
      const { certificate, key } = await ca.issue(USERS[user]);
      writeFileSync(files.certificate(user), certificate);
      writeFileSync(files.key(user), key, { mode: 0o600 });
    }),
  );
  return files;
}

/** JSON is YAML. */
function writeKubeconfig(path: string, server: string, user: keyof typeof USERS, files: Files): string {
  const name = 'website-reconciler-local';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority': files.ca } }],
    users: [{ name: user, user: { 'client-certificate': files.certificate(user), 'client-key': files.key(user) } }],
    contexts: [{ name, context: { cluster: name, user, namespace: 'default' } }],
    'current-context': name,
  };
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return path;
}

function etcdFlags(folder: string, clients: string, peers: string, files: Files, isTemporary: boolean): string[] {
  const credentials = (kind: '' | 'peer-') => [
    `--${kind}cert-file=${files.certificate('server')}`,
    `--${kind}key-file=${files.key('server')}`,
    `--${kind}trusted-ca-file=${files.ca}`,
    `--${kind}client-cert-auth=true`,
  ];
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=default=${peers}`,
    ...credentials(''),
    ...credentials('peer-'),
    '--log-level=warn',
    // Data that goes at the end need not survive a power cut.
    ...(isTemporary ? ['--unsafe-no-fsync'] : []),
  ];
}

async function apiServerFlags(etcd: string, port: number, pki: string, files: Files): Promise<string[]> {
  const { privateFile, publicFile } = await signingKeys(pki);
  return [
    `--etcd-servers=${etcd}`,
    `--etcd-cafile=${files.ca}`,
    `--etcd-certfile=${files.certificate('server')}`,
    `--etcd-keyfile=${files.key('server')}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${files.certificate('server')}`,
    `--tls-private-key-file=${files.key('server')}`,
    `--client-ca-file=${files.ca}`,
    '--authorization-mode=RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${publicFile}`,
    `--service-account-signing-key-file=${privateFile}`,
    '--service-cluster-ip-range=10.0.0.0/16',
    '--endpoint-reconciler-type=none',
  ];
}

/** Every request once, when it is answered, without bodies. */
function auditFlags(folder: string): string[] {
  const policy = join(folder, 'audit-policy.json');
  const rules = [{ level: 'Metadata', omitStages: ['RequestReceived', 'ResponseStarted'] }];
  writeFileSync(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${join(folder, 'logs', 'audit.log')}`];
}

function controllerFlags(kubeconfig: string, pki: string, files: Files): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${join(pki, 'service-account.key')}`,
    `--root-ca-file=${files.ca}`,
    '--use-service-account-credentials=true',
    '--secure-port=0',
    '--leader-elect=false',
    '--concurrent-deployment-syncs=50',
    '--concurrent-replicaset-syncs=50',
    ...QUICK,
  ];
}

async function answers(kubeconfig: string): Promise<void> {
  const deadline = performance.now() + START_MS;
  const transport = await connect({ kubeconfig });
  const tryOnce = async (): Promise<boolean> => {
    try {
      (await transport.stream({ method: 'GET', path: '/readyz', what: 'reach the API server' })).resume();
      return true;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      return false;
    }
  };
  try {
    while (!(await tryOnce())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
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

/** Ports that are free now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
