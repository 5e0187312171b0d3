// Least privilege in both directions, by the API server's audit log: the programs use exactly the rights that they have.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { OPTIONAL_KINDS, type ChildKind } from '../../functions/website/children/kinds.ts';
import type { Website, WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { askingFor } from '../fixtures/asking.ts';
import { serveIfRouted } from '../gateway.ts';
import { startFunctions, startForwarder, type Program } from '../program.ts';
import { createNamespace, createWebsite, patch, patchWebsite } from '../real-cluster.ts';

/** An admission plugin (OwnerReferencesPermissionEnforcement) checks this right. There is no request for it. */
const NO_REQUEST = 'update websites/finalizers.stable.example.com';

let admin: Transport;
let key: WebsiteKey;
/** Other tests make forbidden requests with the same accounts, so only requests after this time count. */
let began: number;
const programs: Program[] = [];

beforeAll(async () => {
  began = Date.now();
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  key = { namespace: await createNamespace(admin, 'rights'), name: 'shop' };
});
afterEach(stopAll);
afterAll(() => admin.close());

async function stopAll(): Promise<void> {
  await Promise.all(programs.splice(0).map((program) => program.stop()));
}

interface Role {
  readonly kind: string;
  readonly rules: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

/** `verb resource[/subresource].group`, for each that a file of roles grants. */
function grantedIn(file: string): string[] {
  const roles = parseAllDocuments(readFileSync(file, 'utf8'))
    .map((document) => document.toJS() as Role)
    .filter(({ kind }) => kind === 'Role' || kind === 'ClusterRole');
  const rights = roles.flatMap(({ rules }) =>
    rules.flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => right(verb, resource, group)))),
    ),
  );
  return [...new Set(rights)].toSorted();
}

const right = (verb: string, resource: string, group: string): string =>
  `${verb} ${resource}${group === '' ? '' : `.${group}`}`;

interface AuditEvent {
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly requestReceivedTimestamp: string;
  readonly objectRef?: { readonly resource: string; readonly subresource?: string; readonly apiGroup?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The requests of an account that the API server allowed or forbade. */
function asked(account: string, decision: 'allow' | 'forbid'): string[] {
  const lines = readFileSync(inject('auditLog'), 'utf8').split('\n').slice(0, -1);
  const rights = lines
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ requestReceivedTimestamp }) => Date.parse(requestReceivedTimestamp) >= began)
    .filter(({ user }) => user.username === `system:serviceaccount:website-reconciler:${account}`)
    .filter(({ annotations }) => annotations?.['authorization.k8s.io/decision'] === decision)
    // Everybody may read the version.
    .filter(({ requestURI }) => requestURI !== '/version')
    .map(({ verb, objectRef: { resource, subresource, apiGroup } = { resource: 'nothing' } }) =>
      right(verb, subresource === undefined ? resource : `${resource}/${subresource}`, apiGroup ?? ''),
    );
  return [...new Set(rights)].toSorted();
}

async function ready(): Promise<void> {
  const path = `/apis/stable.example.com/v1/namespaces/${key.namespace}/websites/${key.name}`;
  await eventually(async () => {
    const { metadata, status } = (await admin.json({ method: 'GET', path, what: 'get' })) as Website;
    expect(status?.observedGeneration).toBe(metadata.generation);
    expect(status?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
  });
}

/** Adds, changes and removes a child of each optional kind. */
async function liveWithEachKind(): Promise<void> {
  for (const { kind } of OPTIONAL_KINDS) {
    const asking = askingFor(kind);
    await patchWebsite(admin, key, { spec: asking });
    await readyOnce(kind);
    await patchWebsite(admin, key, { spec: { childMetadata: { labels: { changed: kind } } } });
    await ready();
    const without = Object.fromEntries(Object.keys(asking).map((field) => [field, null]));
    await patchWebsite(admin, key, { spec: { ...without, ...WITHOUT_OPTIONAL } });
    await ready();
  }
}

/** Waits for the child, and for the Website to be ready with it. */
async function readyOnce(kind: ChildKind): Promise<void> {
  await eventually(async () => expect(await kubernetes(admin).getChild(kind, key)).toBeDefined());
  await serveIfRouted(admin, key);
  await ready();
}

const WITHOUT_OPTIONAL = { replicas: 2, disruptionBudget: 'None' };

/** Changes a Website so that the programs use every right. */
async function live(): Promise<void> {
  await createWebsite(admin, key, { image: 'nginx:1', ...WITHOUT_OPTIONAL });
  await ready();
  const service = `/api/v1/namespaces/${key.namespace}/services/shop-service`;
  await patch(admin, service, { spec: { ports: [{ port: 8080 }] } });
  await eventually(async () =>
    expect(await admin.json({ method: 'GET', path: service, what: 'get' })).toMatchObject({
      spec: { ports: [{ port: 80 }] },
    }),
  );
  await liveWithEachKind();
  // From now on, another program scales it, so replicas is absent.
  await patchWebsite(admin, key, { spec: { replicas: null, autoscaling: { external: true } } });
  await ready();
  await patchWebsite(admin, key, { spec: { placement: { nodeSelector: { 'example.com/nowhere': 'true' } } } });
  const path = `/apis/stable.example.com/v1/namespaces/${key.namespace}/websites/${key.name}`;
  await eventually(async () =>
    expect(await admin.json({ method: 'GET', path, what: 'get' })).toMatchObject({
      status: { conditions: [{ message: expect.stringContaining('Unschedulable') as string }, {}] },
    }),
  );
}

it('The functions and the forwarder use every right that they have, and need no other', async () => {
  const functions = startFunctions({
    KUBECONFIG: inject('functionsKubeconfig'),
    RESYNC_INTERVAL_SECONDS: '0',
  });
  programs.push(functions);
  const sink = String((await functions.line('Listening'))['url']);
  const flags = ['--sink', sink, '--host', '127.0.0.1', '--port', '0', '--lease', `rights-${randomUUID()}`];
  const forwarder = startForwarder(flags, { KUBECONFIG: inject('forwarderKubeconfig') });
  programs.push(forwarder);
  await live();
  await fetch(new URL('resync', sink), { method: 'POST' });
  // The audit log has a watch once it has ended.
  await stopAll();
  await eventually(() => {
    expect(asked('website-forwarder', 'allow')).toEqual(grantedIn('infra/kubernetes/rights/forwarder-rbac.yaml'));
    expect([...asked('website-functions', 'allow'), NO_REQUEST].toSorted()).toEqual(
      grantedIn('infra/kubernetes/rights/functions-rbac.yaml'),
    );
  });
  expect(asked('website-functions', 'forbid')).toEqual([]);
});
