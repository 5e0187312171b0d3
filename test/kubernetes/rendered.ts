import { parseAllDocuments } from 'yaml';
import { quietly } from './kubectl.ts';

/** An object as it is applied; what is in its spec depends on its kind. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly spec?: unknown;
}
interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** What runs: the Pods that a Deployment, a CronJob or a Knative Service makes. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly template: PodTemplate;
  readonly container: Container;
}
interface PodTemplate {
  readonly metadata?: { readonly labels?: Labels };
  readonly spec: {
    readonly serviceAccountName?: string;
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
  };
}
interface Container {
  readonly image: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}
export interface Probe {
  readonly httpGet: { readonly path: string; readonly port?: string | number };
}
interface Volume {
  readonly name: string;
  readonly projected?: { readonly sources: readonly { readonly serviceAccountToken?: TokenProjection }[] };
}
interface TokenProjection {
  readonly path: string;
  readonly audience?: string;
}
export type Labels = Readonly<Record<string, string>>;

/** The objects of a folder, as `kubectl apply -k` sees them. */
export const rendered = async (kubectl: string, folder: string): Promise<Manifest[]> =>
  manifestsIn(await quietly(kubectl, ['kustomize', folder]));

export const manifestsIn = (text: string): Manifest[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);

export const workloadsIn = (manifests: readonly Manifest[]): Workload[] =>
  manifests.flatMap(({ kind, metadata: { name, namespace = '' }, spec }) => {
    const { template, jobTemplate } = (spec ?? {}) as {
      template?: PodTemplate;
      jobTemplate?: { spec: { template: PodTemplate } };
    };
    const pod = template ?? jobTemplate?.spec.template;
    if (pod === undefined) return [];
    const [container, ...others] = pod.spec.containers;
    if (container === undefined || others.length > 0) throw new Error(`${kind} ${name} has not one container`);
    return [{ kind, name, namespace, template: pod, container }];
  });

/** The variables of a container, as the kubelet hands them over; secrets are left out. */
export function variablesOf({ namespace, container }: Workload): Record<string, string> {
  const known: Record<string, string> = {};
  for (const { name, value, valueFrom } of container.env ?? []) {
    // The only field of the Pod that is asked for.
    if (JSON.stringify(valueFrom)?.includes('metadata.namespace')) known[name] = namespace;
    if (value !== undefined) known[name] = value.replace(/\$\((\w+)\)/g, (text, other: string) => known[other] ?? text);
  }
  return known;
}

/** The ServiceAccount tokens that a Pod mounts, with where they are. The API server's own has no audience. */
export const tokensOf = ({ template, container }: Workload): { at: string; audience: string | undefined }[] =>
  (template.spec.volumes ?? []).flatMap(({ name, projected }) => {
    const folder = container.volumeMounts?.find((mount) => mount.name === name)?.mountPath;
    return (projected?.sources ?? []).flatMap(({ serviceAccountToken: token }) =>
      token === undefined ? [] : [{ at: `${folder}/${token.path}`, audience: token.audience }],
    );
  });

/** `verb resource[/subresource][.group]`, for each that a Role grants. */
export function rightsIn(manifests: readonly Manifest[]): string[] {
  const rights = manifests
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => right(verb, resource, group)))),
    );
  return [...new Set(rights)].toSorted();
}

export const right = (verb: string, resource: string, group: string): string =>
  `${verb} ${resource}${group === '' ? '' : `.${group}`}`;
