import { expect } from 'vitest';
import { isSameAmount } from '../../functions/website/quantity.ts';
import type { Website } from '../../functions/website/resource.ts';
import type { Spec } from './generated.ts';
import type { Children, Child } from '../../functions/website/children/kinds.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';

/**
 * What the children have to say of a spec, worked out from the spec alone and without the code that makes them (Acto's state
 * oracle).
 */
export function expectChildren(
  spec: Spec,
  website: Website,
  { Deployment: deployment, Service: service, Ingress: ingress, PodDisruptionBudget: budget }: Children,
): void {
  for (const child of [deployment, service]) expectOwned(child, website);
  for (const child of [ingress, budget]) if (child !== undefined) expectOwned(child, website);
  expect(deployment?.spec.replicas).toBe(spec['replicas']);
  expect(service?.spec.ports).toMatchObject([{ port: 80 }]);
  expect(service?.spec.selector).toEqual(deployment?.spec.selector.matchLabels);
  expectContainer(spec, deployment);
  expectIngress(spec, ingress);
  expectBudget(spec, budget, deployment?.spec.selector.matchLabels ?? {});
}

function expectOwned(child: Child | undefined, { metadata: { uid } }: Website): void {
  expect(child?.metadata.ownerReferences?.filter(({ controller }) => controller)).toMatchObject([{ uid }]);
}

function expectContainer(spec: Spec, deployment: Deployment | undefined): void {
  const container = deployment?.spec.template.spec?.containers.find(({ name }) => name === 'webserver');
  expect(container?.image).toBe(spec['image']);
  expect(container?.ports).toMatchObject([{ containerPort: spec['port'] ?? 80 }]);
  expect(pairs(container?.env)).toEqual(pairs(spec['env'] as Env));
  expectAmounts(spec['resources'] as Amounts, container?.resources);
  expect(container?.securityContext?.allowPrivilegeEscalation === false).toBe(spec['securityProfile'] === 'restricted');
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

type Env = readonly { readonly name: string; readonly value?: string }[] | undefined;
/** An empty value may be left out. */
const pairs = (env: Env) => (env ?? []).map(({ name, value }) => [name, value ?? '']);

function expectBudget(spec: Spec, budget: Children['PodDisruptionBudget'], pods: object): void {
  const isDesired = Number(spec['replicas']) >= 2 && spec['disruptionBudget'] !== 'None';
  const expected = { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels: pods } };
  expect(budget?.spec).toEqual(isDesired ? expected : undefined);
}

function expectIngress(spec: Spec, ingress: Children['Ingress']): void {
  const { host, tlsSecretName, ingressClassName } = spec;
  expect(ingress === undefined).toBe(host === undefined);
  expect((ingress?.spec.rules ?? []).map((rule) => rule.host)).toEqual(host === undefined ? [] : [host]);
  const secrets = (ingress?.spec.tls ?? []).map(({ secretName }) => secretName);
  expect(secrets).toEqual(tlsSecretName === undefined ? [] : [tlsSecretName]);
  if (ingressClassName !== undefined) expect(ingress?.spec.ingressClassName).toBe(ingressClassName);
}
