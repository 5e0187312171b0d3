import { readFileSync, writeFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { ClusterAddress, Transport } from '../../functions/cluster/transport.ts';
import { API_VERSION, PLURAL } from '../../functions/website/resource.ts';

const FILES = [
  '../../crds/website.yaml',
  '../kubernetes/namespace.yaml',
  '../kubernetes/forwarder-rbac.yaml',
  '../kubernetes/functions-rbac.yaml',
];

/** The namespace of the programs, and their ServiceAccounts. */
const NAMESPACE = 'website-reconciler';
export type ServiceAccount = 'website-forwarder' | 'website-functions';

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

const PLACES: Readonly<Record<string, (namespace: string) => string>> = {
  CustomResourceDefinition: () => '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  Namespace: () => '/api/v1/namespaces',
  ServiceAccount: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  ClusterRole: () => '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: () => '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Website: (namespace) => `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}`,
};

const READY_MS = 30_000;
const POLL_MS = 50;

/** Installs, or brings up to date, the CRD and the rights of both programs, and waits until Websites can be listed. */
export async function install(transport: Transport): Promise<void> {
  for (const file of FILES) await applyFile(transport, file);
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      await transport.json({ method: 'GET', path: `/apis/${API_VERSION}/${PLURAL}?limit=1`, what: `list ${PLURAL}` });
      return;
    } catch (error) {
      const early = error instanceof ClusterError && (error.code === 'NotFound' || error.code === 'TooManyRequests');
      if (!early || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** Applies every object of a YAML file beside this one. @throws ClusterError that names the verb and the resource. */
export async function applyFile(transport: Transport, file: string): Promise<void> {
  for (const document of parseAllDocuments(readFileSync(new URL(file, import.meta.url), 'utf8'))) {
    await apply(transport, document.toJS() as Manifest);
  }
}

async function apply(transport: Transport, manifest: Manifest): Promise<void> {
  const { name, namespace = '' } = manifest.metadata;
  const place = PLACES[manifest.kind];
  if (place === undefined) throw new Error(`There is no place for a ${manifest.kind}`);
  await transport.json({
    method: 'PATCH',
    path: `${place(namespace)}/${name}?fieldManager=website-reconciler-install&force=true`,
    what: `apply ${manifest.kind} ${name}`,
    contentType: 'application/apply-patch+yaml',
    body: manifest,
  });
}

/** As long as anybody leaves `npm start` running. */
const TOKEN_SECONDS = 24 * 60 * 60;

/** Writes a kubeconfig with which a program has its own rights and no others. */
export async function writeKubeconfigFor(
  account: ServiceAccount,
  {
    transport,
    address,
    path,
  }: { readonly transport: Transport; readonly address: ClusterAddress; readonly path: string },
): Promise<string> {
  const { status } = (await transport.json({
    method: 'POST',
    path: `${PLACES['ServiceAccount']?.(NAMESPACE)}/${account}/token`,
    what: `create serviceaccounts/token ${account}`,
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: TOKEN_SECONDS } },
  })) as { status: { token: string } };
  const config = new KubeConfig();
  if (address.kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromFile(address.kubeconfig);
  if (address.context !== undefined) config.setCurrentContext(address.context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error('The kubeconfig names no current cluster');
  const own = new KubeConfig();
  own.loadFromClusterAndUser(cluster, { name: account, token: status.token });
  writeFileSync(path, own.exportConfig(), { mode: 0o600 });
  return path;
}
