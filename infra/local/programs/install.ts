import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { API_VERSION, PLURAL } from '../../../functions/website/resource.ts';

const CRD = '../../../crds/website.yaml';
const RIGHTS = '../../kubernetes/rights';
const GATEWAY_API = ['gatewayclasses', 'gateways', 'httproutes'].map(
  (plural) => `../control-plane/gateway-api/${plural}.yaml`,
);

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** The API path of the collection of each kind that we install. */
const COLLECTIONS: Readonly<Record<string, (namespace: string) => string>> = {
  CustomResourceDefinition: () => '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  Namespace: () => '/api/v1/namespaces',
  ServiceAccount: (namespace) => `/api/v1/namespaces/${namespace}/serviceaccounts`,
  ClusterRole: () => '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  ClusterRoleBinding: () => '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  Role: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  RoleBinding: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  ValidatingAdmissionPolicy: () => '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: () => '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
  Website: (namespace) => `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}`,
};

const READY_MS = 30_000;
const POLL_MS = 50;

/** Installs or updates the CRD and the RBAC rules of both programs, and waits until the API server serves Websites. */
export async function install(transport: Transport): Promise<void> {
  for (const file of [CRD, ...filesIn(RIGHTS)]) await applyFile(transport, file);
  await untilServed(transport, API_VERSION, PLURAL);
}

/** Installs the CRDs of the Gateway API, without a controller. For a control plane of our own: in other clusters, its owner chooses. */
export async function installGatewayApi(transport: Transport): Promise<void> {
  for (const file of GATEWAY_API) await applyFile(transport, file);
  await untilServed(transport, 'gateway.networking.k8s.io/v1', 'httproutes');
}

/** Waits until the API server serves a kind. */
export async function untilServed(transport: Transport, apiVersion: string, plural: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      await transport.json({ method: 'GET', path: `/apis/${apiVersion}/${plural}?limit=1`, what: `list ${plural}` });
      return;
    } catch (error) {
      const isNotServedYet =
        error instanceof ClusterError && (error.code === 'UnknownResource' || error.code === 'TooManyRequests');
      if (!isNotServedYet || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** The files of a kustomization, including those of the folders that it references. */
function filesIn(folder: string): string[] {
  const { resources } = parse(textOf(`${folder}/kustomization.yaml`)) as { resources: readonly string[] };
  return resources.flatMap((name) => {
    const path = `${folder}/${name}`;
    return name.endsWith('.yaml') ? [path] : filesIn(path);
  });
}

/**
 * Applies every object of a YAML file.
 * @param file relative to this folder.
 * @throws ClusterError that names the verb and the resource.
 */
export async function applyFile(transport: Transport, file: string): Promise<void> {
  for (const document of parseAllDocuments(textOf(file))) {
    await apply(transport, document.toJS() as Manifest);
  }
}

const textOf = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

async function apply(transport: Transport, manifest: Manifest): Promise<void> {
  // Samples name no namespace.
  const { name, namespace = 'default' } = manifest.metadata;
  const collection = COLLECTIONS[manifest.kind];
  if (collection === undefined) throw new Error(`The API path of kind ${manifest.kind} is not known`);
  await transport.json({
    method: 'PATCH',
    path: `${collection(namespace)}/${name}?fieldManager=website-reconciler-install&force=true`,
    what: `apply ${manifest.kind} ${name}`,
    contentType: 'application/apply-patch+yaml',
    body: manifest,
  });
}
