// What the functions may do, and what a thief of their token may not do. A real API server decides, by the policy that is installed with
// the rights.
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { type ObjectMeta, type Website, apiPath } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { askingFor } from '../fixtures/asking.ts';
import { aWebsite, SPEC } from '../fixtures/websites.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import {
  type ChildKind,
  KINDS,
  CARRIER,
  kindOf,
  CHILD_KINDS,
  isOptional,
} from '../../functions/website/children/kinds.ts';
import { desiredChild } from '../fixtures/children.ts';
import { accounts } from '../accounts.ts';

/** A path of fields and indexes, with its new value. undefined removes the field. */
type Edit = readonly [path: string, value: unknown];
interface Json {
  [field: string]: unknown;
}
interface Manifest extends Json {
  readonly kind: ChildKind;
  readonly metadata: {
    readonly name: string;
    readonly uid?: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly ownerReferences: readonly object[];
  };
}

const FIXTURES = 'test/fixtures/children';
const DENIED = "ValidatingAdmissionPolicy 'website-functions.website-reconciler'";
/** Beside what a spec says to have a child: whatever makes the children say the most. */
const FULL = {
  ...SPEC,
  host: 'shop.example.com',
  hosts: ['www.example.com'],
  paths: [{ path: '/' }, { path: '/shop', type: 'Exact' }],
  tls: { issuer: { name: 'letsencrypt', kind: 'ClusterIssuer' } },
  disruptionBudget: 'Auto',
  autoscaling: { minReplicas: 2, maxReplicas: 3 },
};
const ROUTED = { ...FULL, tls: undefined, gateway: { name: 'public', namespace: 'infra', sectionName: 'https' } };
const POD = 'spec.template.spec';
const WEBSERVER = `${POD}.containers.0`;

const real = accounts();
let namespace: string;
let names = 0;

beforeAll(async () => {
  namespace = await createNamespace(real.admin, 'fence');
  // With the admission plugin OwnerReferencesPermissionEnforcement, changing an owner needs this right.
  const rules = [{ apiGroups: ['*'], resources: KINDS.map(({ plural }) => plural), verbs: ['delete'] }];
  const subject = { kind: 'ServiceAccount', name: 'website-functions', namespace: 'website-reconciler' };
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const metadata = { name: 'fence' };
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'fence' };
  await post(`${rbac}/roles`, { metadata, rules });
  await post(`${rbac}/rolebindings`, { metadata, roleRef, subjects: [subject] });
  // A policy takes effect a moment after its creation.
  await eventually(async () => {
    const attempt = tryCreate(edited(child('Deployment'), ['metadata.ownerReferences', []]));
    const answer = await attempt.then(
      () => 'created',
      (error: Error) => error.message,
    );
    if (!answer.includes(DENIED)) throw new Error(`There is no fence yet: ${answer}`);
  });
});

/** A child in the functions' own form whose Website does not exist. The garbage collector would delete it. */
const child = (kind: ChildKind): Manifest => childOf(kind, { name: `shop-${++names}`, namespace });

/** A child in the functions' own form whose Website exists and is suspended, so that no program acts on it. */
async function owned(kind: ChildKind): Promise<Manifest> {
  const key = { name: `shop-${++names}`, namespace };
  const { metadata } = await createWebsite(real.admin, key, { ...SPEC, suspend: true });
  return childOf(kind, metadata);
}

async function aConfigMapAsController(): Promise<readonly object[]> {
  const name = `theirs-${++names}`;
  const { metadata } = (await post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name } })) as Manifest;
  return [{ apiVersion: 'v1', kind: 'ConfigMap', name, uid: metadata.uid, controller: true }];
}

function childOf(kind: ChildKind, metadata: Partial<ObjectMeta>): Manifest {
  const wanted = structuredClone<unknown>(
    desiredChild(kind, aWebsite({ metadata }), { ...askingFor(kind), ...(kind === 'HTTPRoute' ? ROUTED : FULL) }),
  ) as Manifest;
  return kind === CARRIER ? edited(wanted, ['spec.replicas', 0]) : wanted;
}

function edited(manifest: Manifest, ...edits: readonly Edit[]): Manifest {
  const copy = structuredClone(manifest);
  for (const [path, value] of edits) {
    const fields = path.split('.');
    const last = fields.pop() ?? '';
    const owner = fields.reduce<Json>((object, field) => (object[field] ??= {}) as Json, copy);
    owner[last] = value;
  }
  return copy;
}

function collection({ kind, metadata }: Manifest): string {
  const { apiVersion, plural } = kindOf(kind);
  return `${apiPath(apiVersion)}/namespaces/${metadata.namespace}/${plural}`;
}
const pathOf = (manifest: Manifest): string => `${collection(manifest)}/${manifest.metadata.name}`;

const post = (path: string, body: object) => real.admin.json({ method: 'POST', path, what: `create ${path}`, body });
const create = (by: Transport, body: Manifest, query = '') =>
  by.json({ method: 'POST', path: `${collection(body)}${query}`, what: 'create', body }) as Promise<Manifest>;
/** Admission decides as usual, but nothing is stored. */
const tryCreate = (body: Manifest) => create(real.functions, body, '?dryRun=All');
const update = (by: Transport, body: Manifest) =>
  by.json({ method: 'PUT', path: pathOf(body), what: 'update', body }) as Promise<Manifest>;
const drop = (by: Transport, manifest: Manifest) =>
  by.json({ method: 'DELETE', path: pathOf(manifest), what: 'delete' });
const read = (manifest: Manifest) =>
  real.admin.json({ method: 'GET', path: pathOf(manifest), what: 'get' }) as Promise<Manifest>;

const ATTEMPTS = 20;

/** Edits an object, although controllers may write to it at the same time. */
async function change(by: Transport, manifest: Manifest, ...edits: readonly Edit[]): Promise<Manifest> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await update(by, edited(await read(manifest), ...edits));
    } catch (error) {
      const lostRace = error instanceof ClusterError && error.code === 'Conflict';
      if (!lostRace || attempt === ATTEMPTS) throw error;
    }
  }
}

it('The API server accepts the fence without a warning', async () => {
  const path = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/website-functions.website-reconciler';
  await eventually(async () => {
    const { status } = (await real.admin.json({ method: 'GET', path, what: 'get' })) as { status?: object };
    expect(status).toEqual({ observedGeneration: expect.any(Number) as number, typeChecking: {} });
  });
});

describe('With their token, the functions may create', () => {
  it.each(readdirSync(FIXTURES))('the children of %s', async (file) => {
    const documents = parseAllDocuments(readFileSync(`${FIXTURES}/${file}`, 'utf8'));
    for (const document of documents) {
      const manifest = edited(document.toJS() as Manifest, ['metadata.namespace', namespace]);
      await expect(tryCreate(manifest)).resolves.toMatchObject({ kind: manifest.kind });
    }
    expect(documents.length).toBeGreaterThan(1);
  });

  it.each<[string, ...Edit[]]>([
    [
      'other labels and annotations',
      [`metadata.labels.team`, 'web'],
      ['spec.template.metadata.annotations', { a: 'b' }],
    ],
    [
      'a node selector and tolerations',
      [`${POD}.nodeSelector`, { pool: 'x' }],
      [`${POD}.tolerations`, [{ operator: 'Exists' }]],
    ],
    ['a secret for pulling images', [`${POD}.imagePullSecrets`, [{ name: 'pull' }]]],
    [
      'a stricter securityContext',
      [`${POD}.securityContext`, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }],
    ],
    ['an emptyDir', [`${POD}.volumes`, [{ name: 'tmp', emptyDir: {} }]]],
    ['a plain side container', [`${POD}.containers.1`, { name: 'side', image: 'x' }]],
    ['a ServiceAccount', [`${POD}.serviceAccountName`, 'shop'], [`${POD}.serviceAccount`, 'shop']],
    ['a token', [`${POD}.automountServiceAccountToken`, true]],
    [
      'variables from Secrets and ConfigMaps',
      [`${WEBSERVER}.envFrom`, [{ secretRef: { name: 's' } }, { prefix: 'A_', configMapRef: { name: 'c' } }]],
      [`${WEBSERVER}.env.0`, { name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
      [`${WEBSERVER}.env.1`, { name: 'B', valueFrom: { configMapKeyRef: { name: 'c', key: 'k', optional: true } } }],
    ],
    [
      'a variable from the Pod itself',
      [`${WEBSERVER}.env.0`, { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
    ],
  ])('a Deployment to which a policy of the cluster adds %s', async (_, ...edits) => {
    await expect(tryCreate(edited(child('Deployment'), ...edits))).resolves.toMatchObject({ kind: 'Deployment' });
  });
});

/** A refused edit, with a part of the message. */
type Refused = [what: string, message: string, ...edits: Edit[]];

const CONTROLLED = 'only if a Website controls it, by the name WEBSITE-';
const LABELLED = 'only with the label app.kubernetes.io/managed-by: website-reconciler';
/** Objects of any kind that are not children of a Website. */
const NO_CHILD: readonly Refused[] = [
  ['one without an owner', CONTROLLED, ['metadata.ownerReferences', []]],
  ['one that a Website owns and does not control', CONTROLLED, ['metadata.ownerReferences.0.controller', false]],
  [
    'one that an object of another kind controls',
    CONTROLLED,
    ['metadata.ownerReferences.0.kind', 'Job'],
    ['metadata.ownerReferences.0.blockOwnerDeletion', false],
  ],
  [
    'one that an object of another group controls',
    CONTROLLED,
    ['metadata.ownerReferences.0.apiVersion', 'example.com/v1'],
    ['metadata.ownerReferences.0.blockOwnerDeletion', false],
  ],
  ['one of another name', CONTROLLED, ['metadata.name', 'coredns']],
  ['one without a name', CONTROLLED, ['metadata.name', undefined], ['metadata.generateName', 'x-']],
  ['one without our label', LABELLED, ['metadata.labels', {}]],
];

const secretRef = { secretKeyRef: { name: 'tls', key: 'tls.key' } };
const SYSTEM: Edit = ['metadata.namespace', 'kube-system'];
const elsewhere = { service: { name: 'payments', port: { number: 80 } } };
const otherPods = { matchLabels: { app: 'payments', 'app.kubernetes.io/managed-by': 'website-reconciler' } };
const ROUTE = 'to its own Service only, without filters';
const BACKEND = 'spec.rules.0.backendRefs.0';
const PARENT = 'spec.parentRefs.0';
const redirect = { type: 'RequestRedirect', requestRedirect: { hostname: 'example.com' } };
const mirror = { type: 'RequestMirror', requestMirror: { backendRef: { name: 'payments', port: 80 } } };
const OWN_TARGET = "scales only the Website's own Deployment";
const BUDGET = "selects only the Website's own Pods.*maxUnavailable 1";

/** What the fence refuses in the children of each kind. */
const REFUSED: Readonly<Record<ChildKind, readonly Refused[]>> = {
  Deployment: [
    [
      'one that selects other Pods',
      'selects only its own Pods',
      ['spec.selector.matchLabels', { app: 'shop' }],
      ['spec.template.metadata.labels.app', 'shop'],
    ],
    [
      'host namespaces',
      'may not set hostNetwork, hostPID, hostIPC',
      [`${POD}.hostPID`, true],
      [`${POD}.hostNetwork`, true],
      [`${POD}.hostIPC`, true],
    ],
    ['a choice of the node', 'nodeName or other such fields', [`${POD}.nodeName`, 'control-plane']],
    ['a token by default', 'state automountServiceAccountToken', [`${POD}.automountServiceAccountToken`, undefined]],
    [
      'another ServiceAccount in a system namespace',
      'nor serviceAccountName',
      SYSTEM,
      [`${POD}.serviceAccountName`, 'x'],
    ],
    ['a token in a system namespace', 'must be false in', SYSTEM, [`${POD}.automountServiceAccountToken`, true]],
    [
      'all variables of a Secret in a system namespace',
      'not in a namespace kube-',
      SYSTEM,
      [`${WEBSERVER}.envFrom`, [{ secretRef: { name: 'tls' } }]],
    ],
    [
      'a variable from a Secret in a system namespace',
      'not in a namespace kube-',
      SYSTEM,
      [`${WEBSERVER}.env.0`, { name: 'A', valueFrom: secretRef }],
    ],
    [
      'a volume from a Secret in a system namespace',
      'no configMap or secret',
      SYSTEM,
      [`${POD}.volumes`, [{ name: 'files-x', secret: { secretName: 'tls' } }]],
    ],
    ['a system priority class', 'priority class of the system', [`${POD}.priorityClassName`, 'system-node-critical']],
    ['sysctls', 'may not loosen anything', [`${POD}.securityContext.sysctls`, [{ name: 'a', value: 'b' }]]],
    ['an unconfined Pod', 'may not loosen anything', [`${POD}.securityContext.seccompProfile`, { type: 'Unconfined' }]],
    [
      'hostPath',
      'may only add volumes of the kinds configMap',
      [`${POD}.volumes`, [{ name: 'root', hostPath: { path: '/' } }]],
    ],
    [
      'a PersistentVolumeClaim',
      'may only add volumes of the kinds configMap',
      [`${POD}.volumes`, [{ name: 'files-x', persistentVolumeClaim: { claimName: 'x' } }]],
    ],
    [
      'a CSI volume',
      'may only add volumes of the kinds configMap',
      [`${POD}.volumes`, [{ name: 'files-x', csi: { driver: 'secrets.csi.x-k8s.io' } }]],
    ],
    [
      'hostPath under a name for files',
      'may only add volumes of the kinds configMap',
      [`${POD}.volumes`, [{ name: 'files-x', hostPath: { path: '/' } }]],
    ],
    [
      'a ConfigMap volume under another name',
      'may only add volumes of the kinds configMap',
      [`${POD}.volumes`, [{ name: 'x', configMap: { name: 'x' } }]],
    ],
    [
      'a Secret volume under another name',
      'may only add volumes of the kinds configMap',
      [`${POD}.volumes`, [{ name: 'x', secret: { secretName: 'tls' } }]],
    ],
    [
      'a projected token',
      'may only add volumes of the kinds configMap',
      [`${POD}.volumes`, [{ name: 'x', projected: { sources: [{ serviceAccountToken: { path: 'x' } }] } }]],
    ],
    [
      'a side container with all variables of a Secret',
      'webserver alone',
      [`${POD}.containers.1`, { name: 's', image: 'x', envFrom: [{ secretRef: { name: 'tls' } }] }],
    ],
    [
      'an init container with all variables of a Secret',
      'webserver alone',
      [`${POD}.initContainers`, [{ name: 'i', image: 'x', envFrom: [{ secretRef: { name: 'tls' } }] }]],
    ],
    [
      'a lifecycle hook',
      'plain containers',
      [`${WEBSERVER}.lifecycle`, { preStop: { httpGet: { host: '169.254.169.254', port: 80 } } }],
    ],
    [
      'a variable from a file',
      'none from a file',
      [`${POD}.volumes`, [{ name: 'tmp', emptyDir: {} }]],
      [`${WEBSERVER}.env.0`, { name: 'A', valueFrom: { fileKeyRef: { volumeName: 'tmp', path: 'a.env', key: 'A' } } }],
    ],
    [
      'a side container with a variable from a Secret',
      'webserver alone',
      [`${POD}.containers.1`, { name: 's', image: 'x', env: [{ name: 'A', valueFrom: secretRef }] }],
    ],
    ['a hostPort', 'hostPort', [`${WEBSERVER}.ports.0.hostPort`, 80]],
    ['a probe of another host', 'probe of another host', [`${WEBSERVER}.readinessProbe.tcpSocket.host`, '10.0.0.1']],
    [
      'a liveness probe of another host',
      'probe of another host',
      [`${WEBSERVER}.livenessProbe`, { httpGet: { host: '10.0.0.1', port: 80 } }],
    ],
    ['a privileged container', 'privileged', [`${WEBSERVER}.securityContext.privileged`, true]],
    [
      'a privileged init container',
      'privileged',
      [`${POD}.initContainers`, [{ name: 'i', image: 'x', securityContext: { privileged: true } }]],
    ],
    ['more capabilities', 'privileged', [`${WEBSERVER}.securityContext.capabilities`, { add: ['SYS_ADMIN'] }]],
    ['an unconfined container', 'privileged', [`${WEBSERVER}.securityContext.seccompProfile`, { type: 'Unconfined' }]],
  ],
  Service: [
    ['one of type LoadBalancer', 'of type ClusterIP', ['spec.type', 'LoadBalancer']],
    ['one of type NodePort', 'of type ClusterIP', ['spec.type', 'NodePort']],
    ['an ExternalName', 'of type ClusterIP', ['spec.type', 'ExternalName'], ['spec.externalName', 'example.com']],
    ['one that selects other Pods', "only the Website's own Pods", ['spec.selector', { app: 'payments' }]],
    ['external addresses', 'external addresses', ['spec.externalIPs', ['203.0.113.1']]],
  ],
  Ingress: [
    ['one that leads to another Service', 'to its own Service only', ['spec.rules.0.http.paths.0.backend', elsewhere]],
    [
      'one whose second path leads to another Service',
      'to its own Service only',
      ['spec.rules.0.http.paths.1.backend', elsewhere],
    ],
    [
      'one whose second host leads to another Service',
      'to its own Service only',
      ['spec.rules.1.http.paths.1.backend', elsewhere],
    ],
    [
      'a resource as the backend',
      'to its own Service only',
      ['spec.rules.0.http.paths.0.backend', { resource: { kind: 'Bucket', name: 'x' } }],
    ],
    ['a default backend', 'no default backend', ['spec.defaultBackend', elsewhere]],
    [
      'a configuration snippet',
      '-snippet',
      ['metadata.annotations', { 'nginx.ingress.kubernetes.io/server-snippet': 'return 200;' }],
    ],
    [
      'configuration snippets of another controller',
      '-snippets',
      ['metadata.annotations', { 'nginx.org/server-snippets': 'return 200;' }],
    ],
  ],
  PodDisruptionBudget: [
    ['one for foreign Pods', BUDGET, ['spec.selector', otherPods]],
    ['one for all Pods', BUDGET, ['spec.selector', {}]],
    [
      'one with labels and an expression',
      BUDGET,
      ['spec.selector.matchExpressions', [{ key: 'app', operator: 'Exists' }]],
    ],
    [
      'one with only an expression',
      BUDGET,
      ['spec.selector', { matchExpressions: [{ key: 'app', operator: 'Exists' }] }],
    ],
    ['one that allows no disruption', BUDGET, ['spec.maxUnavailable', 0]],
    ['one that allows a disruption of 0%', BUDGET, ['spec.maxUnavailable', '0%']],
    ['one that allows the disruption of two Pods', BUDGET, ['spec.maxUnavailable', 2]],
    ['one with minAvailable', BUDGET, ['spec.maxUnavailable', undefined], ['spec.minAvailable', 2]],
    ['one without a number', BUDGET, ['spec.maxUnavailable', undefined]],
  ],
  HTTPRoute: [
    ['one that leads to another Service', ROUTE, [`${BACKEND}.name`, 'payments']],
    ['one that leads to a second Service', ROUTE, ['spec.rules.0.backendRefs.1', { name: 'payments', port: 80 }]],
    [
      'one whose second rule leads to another Service',
      ROUTE,
      ['spec.rules.1', { backendRefs: [{ name: 'payments', port: 80 }] }],
    ],
    ['one that leads to another namespace', ROUTE, [`${BACKEND}.namespace`, 'kube-system']],
    ['one that leads to another kind', ROUTE, [`${BACKEND}.kind`, 'Bucket']],
    ['one that leads to another group', ROUTE, [`${BACKEND}.group`, 'example.com']],
    ['one that redirects', ROUTE, ['spec.rules.1', { filters: [redirect] }]],
    ['one that mirrors requests', ROUTE, ['spec.rules.0.filters', [mirror]]],
    ['one that mirrors requests by a filter of its backend', ROUTE, [`${BACKEND}.filters`, [mirror]]],
    ['one with a Service as its parent', 'Gateways only', [PARENT, { group: '', kind: 'Service', name: 'payments' }]],
    ['one with a parent of another group', 'Gateways only', [`${PARENT}.group`, 'example.com']],
  ],
  HorizontalPodAutoscaler: [
    ['one that scales a foreign Deployment', OWN_TARGET, ['spec.scaleTargetRef.name', 'payments']],
    ['one that scales a StatefulSet', OWN_TARGET, ['spec.scaleTargetRef.kind', 'StatefulSet']],
    ['one that scales an object of another group', OWN_TARGET, ['spec.scaleTargetRef.apiVersion', 'example.com/v1']],
  ],
};

it.each(CHILD_KINDS)('The list below has a refusal about the spec of a %s', (kind) => {
  const isAboutSpec = ([path]: Edit) => path.startsWith('spec');
  expect(REFUSED[kind].some(([, , ...edits]) => edits.some(isAboutSpec))).toBe(true);
});

const denial = (message: string) => new RegExp(`${DENIED}.*${message}`, 's');

describe.each(CHILD_KINDS)("With the functions' token, a thief may not create a %s:", (kind) => {
  it.each<Refused>([...NO_CHILD, ...REFUSED[kind]])('%s', async (_, message, ...edits) => {
    await expect(tryCreate(edited(child(kind), ...edits))).rejects.toThrow(denial(message));
  });
});

// Changes of a Deployment have their own list below.
describe.each(CHILD_KINDS.filter((kind) => kind !== CARRIER))(
  "With the functions' token, a thief may not turn a %s into",
  (kind) => {
    it.each<Refused>(REFUSED[kind])('%s', async (_, message, ...edits) => {
      const ours = await owned(kind);
      await create(real.functions, ours);
      await expect(change(real.functions, ours, ...edits)).rejects.toThrow(denial(message));
    });
  },
);

describe("With the functions' token,", () => {
  /** The owners of an object that has only the name of a child. */
  const OWNERS: readonly (readonly [string, (kind: ChildKind) => Promise<readonly object[]>])[] = [
    ['without an owner', () => Promise.resolve([])],
    ['of another controller', aConfigMapAsController],
    ['of another Website', async (kind) => (await owned(kind)).metadata.ownerReferences],
  ];
  const FOREIGN = CHILD_KINDS.flatMap((kind) => OWNERS.map(([whose, owners]) => [kind, whose, owners] as const));

  it.each(FOREIGN)('a %s %s may not be changed, taken over or deleted', async (kind, _, owners) => {
    const wanted = await owned(kind);
    const { ownerReferences, labels } = wanted.metadata;
    const theirs = ['metadata.ownerReferences', await owners(kind)] as const;
    const ours = ['metadata.ownerReferences', ownerReferences] as const;
    const label = ['metadata.labels', labels] as const;
    await create(real.admin, edited(wanted, theirs, ['metadata.labels', { app: 'theirs' }]));
    await expect(change(real.functions, wanted, label)).rejects.toThrow(denial(CONTROLLED));
    await expect(drop(real.functions, wanted)).rejects.toThrow(denial(CONTROLLED));
    const takenOver = change(real.functions, wanted, ours, label);
    await expect(takenOver).rejects.toThrow(denial('only if it was a child of a Website of this name before'));
  });

  it.each(CHILD_KINDS.filter(isOptional))('a %s of a Website may be deleted', async (kind) => {
    const ours = await owned(kind);
    await create(real.functions, ours);
    await drop(real.functions, ours);
    await expect(read(ours)).rejects.toMatchObject({ code: 'NotFound' });
  });

  it('a PodDisruptionBudget that somebody changed may be restored', async () => {
    const budget = await owned('PodDisruptionBudget');
    await create(real.admin, edited(budget, ['spec.maxUnavailable', undefined], ['spec.minAvailable', 2]));
    await change(real.functions, budget, ['spec.maxUnavailable', 1], ['spec.minAvailable', undefined]);
    expect(await read(budget)).toMatchObject({ spec: { maxUnavailable: 1 } });
  });

  it('an HTTPRoute that somebody changed may get a label, and be restored', async () => {
    const route = await owned('HTTPRoute');
    const parent = { group: '', kind: 'Service', name: 'payments' };
    await create(real.admin, edited(route, ['spec.rules.0.filters', [mirror]], ['spec.parentRefs.1', parent]));
    await change(real.functions, route, ['metadata.labels.a', 'b']);
    await change(real.functions, route, ['spec', (route as unknown as { spec: object }).spec]);
    expect(await read(route)).toMatchObject({ spec: { parentRefs: [{ kind: 'Gateway' }] } });
  });

  /** Changes that somebody else made to the Deployment of a Website. */
  const injected: Edit[] = [
    [`${POD}.hostPID`, true],
    [`${POD}.serviceAccountName`, 'mesh'],
    [`${POD}.automountServiceAccountToken`, true],
    [`${POD}.securityContext`, { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] }],
    [`${POD}.volumes`, [{ name: 'root', hostPath: { path: '/' } }]],
    [`${POD}.initContainers`, [{ name: 'init', image: 'mesh', securityContext: { privileged: true } }]],
    [
      `${POD}.containers.1`,
      {
        name: 'mesh',
        image: 'mesh',
        envFrom: [{ secretRef: { name: 'x' } }],
        lifecycle: { preStop: { sleep: { seconds: 1 } } },
      },
    ],
    [`${WEBSERVER}.envFrom`, [{ configMapRef: { name: 'x' } }]],
    [`${WEBSERVER}.env`, [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } }]],
    [`${WEBSERVER}.ports.1`, { containerPort: 81, hostPort: 81 }],
    [`${WEBSERVER}.volumeMounts`, [{ name: 'root', mountPath: '/host' }]],
    [`${WEBSERVER}.securityContext`, { privileged: true, capabilities: { add: ['SYS_ADMIN'] } }],
    [`${WEBSERVER}.livenessProbe`, { tcpSocket: { host: '10.0.0.1', port: 1 } }],
  ];

  it('a Deployment that others widened may be written without removing their part', async () => {
    const website = await owned('Deployment');
    await create(real.admin, edited(website, ...injected));
    const updated = await change(real.functions, website, [`${WEBSERVER}.image`, 'nginx:2'], ['spec.replicas', 1]);
    expect(updated).toMatchObject({
      spec: {
        replicas: 1,
        template: { spec: { hostPID: true, containers: [{ image: 'nginx:2' }, { name: 'mesh' }] } },
      },
    });
  });

  it('a Deployment that others widened may be restored', async () => {
    const website = await owned('Deployment');
    await create(real.admin, edited(website, ...injected));
    const { spec } = website as unknown as { spec: object };
    await change(real.functions, website, ['spec', spec]);
    expect(await read(website)).toMatchObject({
      spec: { template: { spec: { automountServiceAccountToken: false } } },
    });
  });

  /** Allowed alone: a mount is refused with its volume, and a spec may state the others. */
  const NOT_FORBIDDEN = /volumeMounts$|serviceAccountName$|automountServiceAccountToken$|\.0\.env(From)?$/;
  it.each(injected.filter(([path]) => !NOT_FORBIDDEN.test(path)))(
    'a Deployment may not be widened by %s',
    async (path, value) => {
      const website = await owned('Deployment');
      await create(real.admin, website);
      await expect(change(real.functions, website, [path, value])).rejects.toThrow(DENIED);
    },
  );

  it.each([
    ...CHILD_KINDS.map((kind) => [kind, 'of a deleted Website', { uid: 'gone' }] as const),
    ...CHILD_KINDS.map((kind) => [kind, 'without its owner, from a backup', undefined] as const),
  ])('a %s %s may be taken over', async (kind, _, owner) => {
    const wanted = await owned(kind);
    const { ownerReferences } = wanted.metadata;
    const owners = owner === undefined ? [] : ownerReferences.map((each) => ({ ...each, ...owner }));
    // The finalizer keeps the object from the garbage collector.
    await create(
      real.admin,
      edited(wanted, ['metadata.ownerReferences', owners], ['metadata.finalizers', ['example.com/kept']]),
    );
    await change(real.functions, wanted, ['metadata.ownerReferences', ownerReferences]);
    expect((await change(real.admin, wanted, ['metadata.finalizers', []])).metadata).toMatchObject({ ownerReferences });
  });

  it('a Service of type LoadBalancer may only be turned back into a ClusterIP', async () => {
    const service = await owned('Service');
    await create(real.admin, edited(service, ['spec.type', 'LoadBalancer'], ['spec.externalIPs', ['203.0.113.1']]));
    await expect(change(real.functions, service, ['metadata.labels.a', 'b'])).rejects.toThrow(/of type ClusterIP/);
    await change(real.functions, service, ['spec.type', 'ClusterIP']);
  });

  it('a Service with external addresses and a traffic policy may be turned back into a ClusterIP', async () => {
    const service = await owned('Service');
    const exposed: Edit[] = [
      ['spec.type', 'LoadBalancer'],
      ['spec.externalIPs', ['203.0.113.1']],
      ['spec.externalTrafficPolicy', 'Local'],
    ];
    await create(real.admin, edited(service, ...exposed));
    await change(real.functions, service, ['spec.type', 'ClusterIP'], ['spec.externalTrafficPolicy', undefined]);
    expect(await read(service)).toMatchObject({ spec: { type: 'ClusterIP' } });
  });

  it('a hostPort that somebody set may stay while the container port changes, and may not be changed', async () => {
    const website = await owned('Deployment');
    await create(real.admin, edited(website, [`${WEBSERVER}.ports.0.hostPort`, 8081]));
    await change(real.functions, website, [`${WEBSERVER}.ports.0.containerPort`, 8080]);
    await expect(change(real.functions, website, [`${WEBSERVER}.ports.0.hostPort`, 8082])).rejects.toThrow(/hostPort/);
  });

  it.each<Edit>([
    [`${POD}.hostUsers`, false],
    [`${POD}.setHostnameAsFQDN`, true],
  ])('a new Deployment may have %s from a policy, which narrows the Pods or names them', async (path, value) => {
    const website = edited(await owned('Deployment'), [path, value]);
    expect(await create(real.functions, website)).toBeDefined();
  });

  it('an Ingress may keep the challenge path that somebody added, and may not lead it elsewhere', async () => {
    const ingress = await owned('Ingress');
    const challenge = {
      path: '/.well-known/acme-challenge/x',
      pathType: 'Exact',
      backend: { service: { name: 'cm-acme-http-solver', port: { number: 8089 } } },
    };
    await create(real.admin, edited(ingress, ['spec.rules.0.http.paths.1', challenge]));
    await change(real.functions, ingress, ['metadata.labels.a', 'b']);
    await expect(
      change(real.functions, ingress, ['spec.rules.0.http.paths.1.backend.service.name', 'payments']),
    ).rejects.toThrow(/its own Service only/);
  });
});

describe("With the functions' token, the scale of a Website", () => {
  const scaleOf = async (by: Transport, name: string, replicas: number) => {
    const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites/${name}/scale`;
    const body = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name, namespace }, spec: { replicas } };
    await by.json({ method: 'PUT', path, what: 'scale', body });
  };

  it('may be set once, while it has no number yet', async () => {
    const name = `shop-${++names}`;
    const spec = { image: 'nginx:1', autoscaling: { external: true }, suspend: true };
    await createWebsite(real.admin, { name, namespace }, spec);
    await scaleOf(real.functions, name, 2);
    await expect(scaleOf(real.functions, name, 3)).rejects.toThrow(denial('first number of replicas'));
    await scaleOf(real.admin, name, 3);
  });
});

it('The fence does not restrict other users', async () => {
  await expect(
    create(
      real.admin,
      edited(child('Deployment'), ['metadata.ownerReferences', []], [`${POD}.hostPID`, true]),
      '?dryRun=All',
    ),
  ).resolves.toBeDefined();
});

it("A Website whose Deployment a policy of the cluster widens is Rejected with the fence's message", async () => {
  const name = `${namespace}-widens`;
  const policies = '/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies';
  const volumes =
    'volumes: [Object.spec.template.spec.volumes{name: "x", hostPath: Object.spec.template.spec.volumes.hostPath{path: "/"}}]';
  const rules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }];
  await post(policies, {
    metadata: { name },
    spec: {
      matchConstraints: { resourceRules: rules },
      reinvocationPolicy: 'Never',
      mutations: [
        {
          patchType: 'ApplyConfiguration',
          applyConfiguration: {
            expression: `Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{${volumes}}}}}`,
          },
        },
      ],
    },
  });
  const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
  await post('/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings', {
    metadata: { name },
    spec: { policyName: name, matchResources },
  });
  await eventually(() => expect(tryCreate(child('Deployment'))).rejects.toThrow(DENIED));
  const key = { name: `shop-${++names}`, namespace };
  await createWebsite(real.admin, key, SPEC);
  await reconcile(key, { cluster: kubernetes(real.functions), now: () => new Date() });
  const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites/${key.name}`;
  const { status } = (await real.admin.json({ method: 'GET', path, what: 'get' })) as Website;
  expect(status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'Ready',
      status: 'False',
      reason: 'Rejected',
      message: expect.stringContaining('may only add volumes of the kinds configMap') as string,
    }),
  );
});
