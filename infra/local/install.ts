import { readFileSync } from 'node:fs';
import { parse, parseAllDocuments } from 'yaml';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { API_VERSION, PLURAL } from '../../functions/website/resource.ts';

const CRD = '../../crds/website.yaml';
const RIGHTS = '../kubernetes/rights';

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
  Role: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/roles`,
  RoleBinding: (namespace) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`,
  ValidatingAdmissionPolicy: () => '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: () => '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
  Website: (namespace) => `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}`,
};

const READY_MS = 30_000;
const POLL_MS = 50;

/** Installs, or brings up to date, the CRD and the rights of both programs, and waits until Websites can be listed. */
export async function install(transport: Transport): Promise<void> {
  for (const file of [CRD, ...filesIn(RIGHTS)]) await applyFile(transport, file);
  const deadline = performance.now() + READY_MS;
  for (;;) {
    try {
      await transport.json({ method: 'GET', path: `/apis/${API_VERSION}/${PLURAL}?limit=1`, what: `list ${PLURAL}` });
      return;
    } catch (error) {
      const early =
        error instanceof ClusterError && (error.code === 'UnknownResource' || error.code === 'TooManyRequests');
      if (!early || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** The files that the kustomization of a folder names, and those of the folders that it names. */
function filesIn(folder: string): string[] {
  const { resources } = parse(textOf(`${folder}/kustomization.yaml`)) as { resources: readonly string[] };
  return resources.flatMap((name) => {
    const path = `${folder}/${name}`;
    return name.endsWith('.yaml') ? [path] : filesIn(path);
  });
}

/** Applies every object of a YAML file beside this one. @throws ClusterError that names the verb and the resource. */
export async function applyFile(transport: Transport, file: string): Promise<void> {
  for (const document of parseAllDocuments(textOf(file))) {
    await apply(transport, document.toJS() as Manifest);
  }
}

const textOf = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');

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
