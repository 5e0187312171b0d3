import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { signingKeys } from './certificates.ts';
import type { CredentialFiles } from './credentials.ts';
import type { DataFolder } from './data-folder.ts';

/** Each has the form `https://127.0.0.1:port`. */
export interface Addresses {
  readonly server: string;
  readonly etcd: string;
  readonly etcdPeer: string;
}

export function etcdFlags({ path, lifetime }: DataFolder, { etcd, etcdPeer }: Addresses, files: CredentialFiles) {
  const credentials = (kind: '' | 'peer-') => [
    `--${kind}cert-file=${files.certificate('server')}`,
    `--${kind}key-file=${files.key('server')}`,
    `--${kind}trusted-ca-file=${files.ca}`,
    `--${kind}client-cert-auth=true`,
  ];
  return [
    `--data-dir=${join(path, 'etcd')}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=${etcdPeer}`,
    `--initial-advertise-peer-urls=${etcdPeer}`,
    `--initial-cluster=default=${etcdPeer}`,
    ...credentials(''),
    ...credentials('peer-'),
    '--log-level=warn',
    // Temporary data does not have to survive a power cut.
    ...(lifetime === 'temporary' ? ['--unsafe-no-fsync'] : []),
  ];
}

export async function apiServerFlags({ server, etcd }: Addresses, files: CredentialFiles): Promise<string[]> {
  const { privateFile, publicFile } = await signingKeys(files.folder);
  return [
    `--etcd-servers=${etcd}`,
    `--etcd-cafile=${files.ca}`,
    `--etcd-certfile=${files.certificate('server')}`,
    `--etcd-keyfile=${files.key('server')}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${new URL(server).port}`,
    `--tls-cert-file=${files.certificate('server')}`,
    `--tls-private-key-file=${files.key('server')}`,
    `--client-ca-file=${files.ca}`,
    '--authorization-mode=RBAC',
    // As on most clusters, where admission policies restrict privileged containers.
    '--allow-privileged=true',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${publicFile}`,
    `--service-account-signing-key-file=${privateFile}`,
    '--service-cluster-ip-range=10.0.0.0/16',
    '--endpoint-reconciler-type=none',
  ];
}

/** Logs each request once, when it completes, without bodies. */
export function auditFlags(folder: string): string[] {
  const policy = join(folder, 'audit-policy.json');
  const rules = [{ level: 'Metadata', omitStages: ['RequestReceived', 'ResponseStarted'] }];
  writeFileSync(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  return [`--audit-policy-file=${policy}`, `--audit-log-path=${join(folder, 'logs', 'audit.log')}`];
}

const HIGH_RATE_LIMITS = ['--kube-api-qps=2000', '--kube-api-burst=4000'];

export async function controllerFlags(kubeconfig: string, files: CredentialFiles): Promise<string[]> {
  const { privateFile } = await signingKeys(files.folder);
  return [
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${privateFile}`,
    `--root-ca-file=${files.ca}`,
    '--use-service-account-credentials=true',
    '--secure-port=0',
    '--leader-elect=false',
    // The simulated node sends no heartbeats. With the default, its Pods would become unready after 50 s.
    '--node-monitor-grace-period=8760h',
    '--concurrent-deployment-syncs=50',
    '--concurrent-replicaset-syncs=50',
    ...HIGH_RATE_LIMITS,
  ];
}

export const schedulerFlags = (kubeconfig: string): string[] => [
  `--kubeconfig=${kubeconfig}`,
  '--secure-port=0',
  '--leader-elect=false',
  ...HIGH_RATE_LIMITS,
];

export const kwokFlags = (kubeconfig: string): string[] => [
  `--kubeconfig=${kubeconfig}`,
  `--config=${fileURLToPath(new URL('kwok.yaml', import.meta.url))}`,
  '--manage-all-nodes=true',
];
