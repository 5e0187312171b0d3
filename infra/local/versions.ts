/** The programs of the control plane. go/ holds the Go module that each is built from. */
export const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const;
export type ControlPlaneProgram = (typeof PROGRAMS)[number];
/** kubectl is no part of it: tests render manifests with it, as their readers do. */
export type Program = ControlPlaneProgram | 'kubectl';
export type Binaries = Readonly<Record<ControlPlaneProgram, string>>;

export const KUBERNETES = 'v1.37.2';
export const ETCD = 'v3.7.3';
export const KWOK = 'v0.8.0';

export const versionOf = (program: Program): string =>
  program === 'etcd' ? ETCD : program === 'kwok' ? KWOK : KUBERNETES;
