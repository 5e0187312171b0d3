import type { Transport } from '../functions/cluster/transport.ts';
import { remove } from './real-cluster.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1';

/** What a policy of the cluster looks at, in one namespace. */
export interface Scope {
  readonly namespace: string;
  readonly apiGroup: string;
  readonly resource: string;
  readonly operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[];
}

interface Kind {
  readonly kind: 'ValidatingAdmissionPolicy' | 'MutatingAdmissionPolicy';
  readonly spec: object;
  readonly binding: object;
}

/** What an object has to fulfil, in CEL, and what is said of one that does not. */
export interface Rule {
  readonly expression: string;
  readonly message: string;
}

/** Refuses what happens there. @returns what takes the policy away. */
export const forbid = (admin: Transport, scope: Scope): Promise<() => Promise<void>> =>
  demand(admin, scope, [{ expression: 'false', message: 'not here' }]);

/** Refuses what breaks a rule there. @returns what takes the policy away. */
export const demand = (admin: Transport, scope: Scope, validations: readonly Rule[]): Promise<() => Promise<void>> =>
  make(admin, scope, {
    kind: 'ValidatingAdmissionPolicy',
    spec: { validations },
    binding: { validationActions: ['Deny'] },
  });

/** Lays an object over what is written there, as server-side apply does. @returns what takes the policy away. */
export const mutate = (admin: Transport, scope: Scope, expression: string): Promise<() => Promise<void>> =>
  make(admin, scope, {
    kind: 'MutatingAdmissionPolicy',
    spec: {
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
    },
    binding: {},
  });

/** The API server heeds a policy from the moment at which it has heard of it, so a test asks until it does. */
async function make(admin: Transport, scope: Scope, { kind, spec, binding }: Kind): Promise<() => Promise<void>> {
  const { namespace, apiGroup, resource, operations } = scope;
  const plural = `${kind.toLowerCase().replace(/y$/, '')}ies`;
  const name = `${namespace}-${resource.replace('/', '-')}`;
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const matchConstraints = {
    resourceRules: [{ apiGroups: [apiGroup], apiVersions: ['v1'], operations, resources: [resource] }],
  };
  const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
  await create(admin, plural, {
    apiVersion,
    kind,
    metadata: { name },
    spec: { matchConstraints, failurePolicy: 'Fail', ...spec },
  });
  const bindings = plural.replace(/policies$/, 'policybindings');
  await create(admin, bindings, {
    apiVersion,
    kind: `${kind}Binding`,
    metadata: { name },
    spec: { policyName: name, matchResources, ...binding },
  });
  return async () => {
    await remove(admin, `${PATH}/${bindings}/${name}`);
    await remove(admin, `${PATH}/${plural}/${name}`);
  };
}

const create = (admin: Transport, plural: string, body: object): Promise<unknown> =>
  admin.json({ method: 'POST', path: `${PATH}/${plural}`, what: `create ${plural}`, body });
