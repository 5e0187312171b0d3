/** The programs of the control plane. go/ contains the Go modules to build them. */
export const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'] as const;
export type ControlPlaneProgram = (typeof PROGRAMS)[number];
/** Not part of the control plane. Tests use them to render and apply manifests, as users do. */
export const TOOLS = ['kubectl', 'helm'] as const;
export type Program = ControlPlaneProgram | (typeof TOOLS)[number];
export type Binaries = Readonly<Record<ControlPlaneProgram, string>>;

export const KUBERNETES = 'v1.37.2';
export const ETCD = 'v3.7.3';
export const KWOK = 'v0.8.0';
export const HELM = 'v4.3.1';

const OWN_VERSIONS: Readonly<Partial<Record<Program, string>>> = { etcd: ETCD, kwok: KWOK, helm: HELM };
export const versionOf = (program: Program): string => OWN_VERSIONS[program] ?? KUBERNETES;
