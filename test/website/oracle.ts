import { expect } from 'vitest';
import { isSameAmount } from '../../functions/website/children/deployment/quantity.ts';
import type { Website } from '../../functions/website/resource.ts';
import type { OptionalKind } from '../fixtures/asking.ts';
import type { Spec } from './generated.ts';
import { childrenIn, type Children, type Child } from '../../functions/website/children/kinds.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';

/**
 * What the children have to say of a spec, worked out from the spec alone and without the code that makes them (Acto's state
 * oracle).
 */
export function expectChildren(spec: Spec, website: Website, children: Children): void {
  const { Deployment: deployment, Service: service } = children;
  for (const child of [deployment, service, ...childrenIn(children)]) expectOwned(child, website);
  expectReplicas(spec, website, deployment);
  expectMetadata(spec, children);
  expect(service?.spec.ports).toMatchObject([{ port: 80 }]);
  expect(service?.spec.selector).toEqual(deployment?.spec.selector.matchLabels);
  expectContainer(spec, deployment);
  expectProbes(spec, deployment);
  expectRollout(spec, deployment);
  expectPods(spec, deployment);
  expectFiles(spec, deployment);
  for (const expectChild of Object.values(OPTIONAL)) expectChild(spec, website, children);
}

/** For each optional kind: whether the spec leads to such a child, and to what child. */
const OPTIONAL: Readonly<Record<OptionalKind, (spec: Spec, website: Website, children: Children) => void>> = {
  Ingress: (spec, { metadata }, { Ingress: ingress }) => expectIngress(spec, ingress, metadata.name),
  PodDisruptionBudget: (spec, website, { PodDisruptionBudget: budget, Deployment: deployment }) =>
    expectBudget(spec, leastPods(spec, website), budget, deployment?.spec.selector.matchLabels ?? {}),
  HTTPRoute: (spec, { metadata }, { HTTPRoute: route }) => expectRoute(spec, route, metadata),
  HorizontalPodAutoscaler: (spec, _, { HorizontalPodAutoscaler: autoscaler, Deployment: deployment }) =>
    expectAutoscaler(spec, autoscaler, deployment?.metadata.name),
};

type Autoscaling = { readonly [field: string]: number | undefined } | undefined;

const isAutoscaled = (spec: Spec): boolean => (spec['autoscaling'] as Autoscaling)?.['maxReplicas'] !== undefined;

/** The number that the Website itself has: something else may have written it there. */
const liveReplicas = ({ spec }: Website): number | undefined => (spec as { readonly replicas?: number }).replicas;

const leastPods = (spec: Spec, website: Website): number =>
  isAutoscaled(spec) && spec['replicas'] !== 0
    ? ((spec['autoscaling'] as Autoscaling)?.['minReplicas'] ?? 1)
    : Number(liveReplicas(website));

function expectReplicas(spec: Spec, website: Website, deployment: Deployment | undefined): void {
  const replicas = deployment?.spec.replicas;
  if (spec['replicas'] !== undefined) expect(liveReplicas(website)).toBe(spec['replicas']);
  if (!isAutoscaled(spec) || spec['replicas'] === 0) expect(replicas).toBe(liveReplicas(website));
  // The autoscaler decides how many, and it never begins from 0.
  else expect(replicas).toBeGreaterThan(0);
  if (!isAutoscaled(spec) && spec['replicas'] === undefined) expect(replicas).toBeGreaterThan(0);
}

function expectAutoscaler(spec: Spec, autoscaler: Children['HorizontalPodAutoscaler'], name: string | undefined): void {
  if (!isAutoscaled(spec)) return expect(autoscaler).toBeUndefined();
  const {
    minReplicas = 1,
    maxReplicas,
    cpuPercent,
    memoryPercent,
  } = (spec['autoscaling'] ?? {}) as Record<string, number>;
  const targets = [
    ['cpu', cpuPercent ?? (memoryPercent === undefined ? 80 : undefined)],
    ['memory', memoryPercent],
  ].filter(([, percent]) => percent !== undefined);
  const { metrics = [], ...rest } = autoscaler?.spec ?? {};
  expect(rest).toEqual({
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    minReplicas,
    maxReplicas,
  });
  expect(metrics.map(({ resource }) => [resource?.name, resource?.target.averageUtilization])).toEqual(targets);
}

function expectOwned(child: Child | undefined, { metadata: { uid } }: Website): void {
  expect(child?.metadata.ownerReferences?.filter(({ controller }) => controller)).toMatchObject([{ uid }]);
}

/** What the functions, Kubernetes and the field `tls.issuer` put there. */
const NOT_STATED = /^app$|(kubernetes\.io|stable\.example\.com|cert-manager\.io)\//;

interface Meta {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

function expectMetadata(spec: Spec, children: Children): void {
  const places = [children.Deployment?.spec.template.metadata, ...childrenIn(children).map(({ metadata }) => metadata)];
  for (const place of places) if (place !== undefined) expectStated(spec, place);
}

/** All labels and annotations of the spec are there, and no others. */
function expectStated(spec: Spec, meta: Meta): void {
  const stated = (spec['childMetadata'] ?? {}) as Meta;
  for (const part of ['labels', 'annotations'] as const) {
    const found = Object.entries(meta[part] ?? {}).filter(([name]) => !NOT_STATED.test(name));
    expect(Object.fromEntries(found)).toEqual({ ...stated[part] });
  }
}

const podOf = (deployment: Deployment | undefined): Pod => deployment?.spec.template.spec ?? { containers: [] };
const containerOf = (deployment: Deployment | undefined): Partial<Container> =>
  podOf(deployment).containers.find(({ name }) => name === 'webserver') ?? {};

/** A list or map that the spec does not state is empty. */
const expectSame = (stored: unknown, stated: unknown, empty: object) =>
  expect(stored ?? empty).toEqual(stated ?? empty);

function expectContainer(spec: Spec, deployment: Deployment | undefined): void {
  const { image, ports, env, envFrom, command, args, resources, securityContext } = containerOf(deployment);
  expect(image).toBe(spec['image']);
  expect(ports).toMatchObject([{ containerPort: spec['port'] ?? 80 }]);
  expect(variables(env)).toEqual(variables(spec['env'] as Env));
  expectSame(envFrom, spec['envFrom'], []);
  expectSame(command, spec['command'], []);
  expectSame(args, spec['args'], []);
  expectAmounts(spec['resources'] as Amounts, resources);
  expect(securityContext?.allowPrivilegeEscalation === false).toBe(spec['securityProfile'] === 'restricted');
}

type Pod = Deployment['spec']['template']['spec'] & {};
type Container = Pod['containers'][number];
type Files = readonly ({ readonly path: string } & { readonly [source: string]: Fields | undefined })[];

/** Each path is mounted from a volume of its source. There are no other mounts and volumes. */
function expectFiles(spec: Spec, deployment: Deployment | undefined): void {
  const { containers = [], volumes = [] } = deployment?.spec.template.spec ?? {};
  const files = (spec['files'] ?? []) as Files;
  const mounts = containers.flatMap(({ volumeMounts = [] }) => volumeMounts);
  const expected = files.map(({ path, emptyDir }) => [path, emptyDir === undefined]);
  expect(mounts.map(({ mountPath, readOnly = false }) => [mountPath, readOnly])).toEqual(expected);
  expect(volumes).toHaveLength(files.length);
  for (const [index, { path: _, ...source }] of files.entries()) {
    const volume = volumes.find(({ name }) => name === mounts[index]?.name);
    for (const [kind, fields = {}] of Object.entries(source)) expectVolume(volume, kind, fields);
  }
}

type Fields = { readonly [field: string]: string | number | boolean };

function expectVolume(volume: object | undefined, kind: string, { name: object, sizeLimit, ...rest }: Fields): void {
  const { name, ...stored } = volume as { readonly name: string; readonly [source: string]: Fields | string };
  expect(name).toMatch(/^files-[-a-z0-9]{1,57}$/);
  expect(Object.keys(stored)).toEqual([kind]);
  const source = stored[kind] as Fields;
  expect(source).toMatchObject(rest);
  expect(source[kind === 'secret' ? 'secretName' : 'name']).toBe(object);
  expect(isSameAmount(String(source['sizeLimit'] ?? 0), String(sizeLimit ?? 0))).toBe(true);
}

type Amounts = { readonly [part: string]: Readonly<Record<string, unknown>> } | undefined;

/** What is asked for is there, as the API server stores it, and nothing else is. */
function expectAmounts(spec: Amounts, resources: object | undefined): void {
  const stored = (resources ?? {}) as NonNullable<Amounts>;
  for (const part of ['requests', 'limits']) {
    const wanted = Object.entries(spec?.[part] ?? {});
    expect(Object.keys(stored[part] ?? {}).toSorted()).toEqual(wanted.map(([name]) => name).toSorted());
    for (const [name, amount] of wanted) expect(isSameAmount(String(amount), String(stored[part]?.[name]))).toBe(true);
  }
}

type Env = readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[] | undefined;
/** An empty value may be left out. */
const variables = (env: Env) => (env ?? []).map(({ name, value, valueFrom }) => [name, value ?? '', valueFrom ?? {}]);

/** The spec states no timing but that of the start. The rest may be as the cluster has it. */
function expectProbes(spec: Spec, deployment: Deployment | undefined): void {
  const { readinessProbe, livenessProbe, startupProbe } = containerOf(deployment);
  if (spec['health'] === undefined) {
    expect(readinessProbe).toMatchObject({ tcpSocket: { port: 'http' } });
    expect([readinessProbe?.httpGet, livenessProbe, startupProbe]).toEqual([undefined, undefined, undefined]);
    return;
  }
  const { path, port = 'http', startupSeconds = 60 } = spec['health'] as Record<string, number | string>;
  for (const probe of [readinessProbe, livenessProbe, startupProbe]) {
    expect(probe).toMatchObject({ httpGet: { path, port, scheme: 'HTTP' } });
    expect(probe?.tcpSocket).toBeUndefined();
  }
  expectTime(startupProbe, Number(startupSeconds));
}

/** After this time, rounded up to its period, the probe makes the kubelet restart the container. */
function expectTime({ periodSeconds = 0, failureThreshold = 0 }: Container['startupProbe'] & {} = {}, seconds: number) {
  expect(periodSeconds * failureThreshold).toBeGreaterThanOrEqual(seconds);
  expect(periodSeconds * (failureThreshold - 1)).toBeLessThan(seconds);
}

function expectRollout(spec: Spec, deployment: Deployment | undefined): void {
  const { rollingUpdate } = deployment?.spec.strategy ?? {};
  expect({ maxSurge: '25%', maxUnavailable: '25%', ...rollingUpdate }).toEqual({
    maxSurge: '25%',
    maxUnavailable: '25%',
    ...(spec['rollout'] as object | undefined),
  });
}

function expectPods(spec: Spec, deployment: Deployment | undefined): void {
  const pod = podOf(deployment);
  const { nodeSelector, tolerations = [] } = (spec['placement'] ?? {}) as Record<string, object>;
  expectSame(pod.nodeSelector, nodeSelector, {});
  expect((pod.tolerations ?? []).map(withoutEmpty)).toEqual((tolerations as object[]).map(withoutEmpty));
  expectSame(pod.imagePullSecrets, spec['imagePullSecrets'], []);
  for (const account of [pod.serviceAccountName, pod.serviceAccount]) expect(account).toBe(spec['serviceAccountName']);
  expect(pod.automountServiceAccountToken).toBe(spec['automountServiceAccountToken'] ?? false);
  const keys = (pod.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey);
  expect(keys).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
}

/** The API server stores no empty text. */
const withoutEmpty = (value: object) => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== ''));

function expectBudget(spec: Spec, least: number, budget: Children['PodDisruptionBudget'], pods: object): void {
  const isDesired = least >= 2 && spec['disruptionBudget'] !== 'None';
  const expected = { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: pods } };
  expect(budget?.spec).toEqual(isDesired ? expected : undefined);
}

function expectIngress(spec: Spec, ingress: Children['Ingress'], website: string): void {
  const wanted = spec['gateway'] === undefined ? hostsIn(spec) : [];
  expect(ingress === undefined).toBe(wanted.length === 0);
  const rules = ingress?.spec.rules ?? [];
  expect(rules.map(({ host }) => host)).toEqual(wanted);
  for (const { http } of rules) expect(http?.paths.map(({ path, pathType }) => [path, pathType])).toEqual(paths(spec));
  if (ingress !== undefined) expectCertificate(spec, ingress, wanted, website);
  if (spec['ingressClassName'] !== undefined) expect(ingress?.spec.ingressClassName).toBe(spec['ingressClassName']);
}

function hostsIn(spec: Spec): unknown[] {
  const hosts = [spec['host'] as string | undefined, ...((spec['hosts'] as string[] | undefined) ?? [])];
  return hosts.filter((host, place) => host !== undefined && hosts.indexOf(host) === place);
}

/** A route at the Gateway, with each default that the API server fills in. */
function expectRoute(spec: Spec, route: Children['HTTPRoute'], { name }: Website['metadata']): void {
  const hostnames = spec['gateway'] === undefined ? [] : hostsIn(spec);
  const matches = paths(spec).map((each) => {
    const [value, type] = each as [string, string];
    return { path: { type: type === 'Prefix' ? 'PathPrefix' : 'Exact', value } };
  });
  const backendRefs = [{ group: '', kind: 'Service', name: `${name}-service`, port: 80, weight: 1 }];
  const parentRefs = [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', ...(spec['gateway'] as object) }];
  const expected = { parentRefs, hostnames, rules: [{ matches, backendRefs }] };
  expect(route?.spec).toEqual(hostnames.length === 0 ? undefined : expected);
}

function paths(spec: Spec): unknown[] {
  const stated = (spec['paths'] ?? []) as { path: string; type?: string }[];
  return stated.length === 0 ? [['/', 'Prefix']] : stated.map(({ path, type }) => [path, type ?? 'Prefix']);
}

interface Tls {
  readonly secretName?: string;
  readonly issuer?: { readonly name: string; readonly kind?: string };
}

function expectCertificate(spec: Spec, ingress: Children['Ingress'], hosts: unknown[], website: string): void {
  const { secretName = spec['tlsSecretName'], issuer } = (spec['tls'] ?? {}) as Tls;
  const secret = issuer === undefined ? secretName : `${website}-tls`;
  expect(ingress?.spec.tls ?? []).toEqual(secret === undefined ? [] : [{ hosts, secretName: secret }]);
  expect(issuersOn(ingress)).toEqual(
    issuer === undefined
      ? []
      : [[issuer.kind === 'ClusterIssuer' ? 'cert-manager.io/cluster-issuer' : 'cert-manager.io/issuer', issuer.name]],
  );
}

const issuersOn = (ingress: Children['Ingress']) =>
  Object.entries(ingress?.metadata.annotations ?? {}).filter(([name]) => name.startsWith('cert-manager.io/'));
