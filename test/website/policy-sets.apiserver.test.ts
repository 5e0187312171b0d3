// Common rules of policy sets, as ValidatingAdmissionPolicies, with Pod Security restricted. A spec with the required fields passes.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import type { Website, WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { demand, type Rule } from '../policies.ts';
import { createNamespace, createWebsite, patch, removeWebsitesIn } from '../real-cluster.ts';
import { accounts } from '../accounts.ts';

const POD = 'object.spec.template.spec';
const everyContainer = (rule: string) => `${POD}.containers.all(container, ${rule})`;
const hasAmount = (path: string) => `container.?resources.?${path.replace('.', '.?')}.hasValue()`;

const DEPLOYMENT_RULES: readonly Rule[] = [
  {
    expression: everyContainer('has(container.readinessProbe) && has(container.livenessProbe)'),
    message: 'readiness and liveness probes are required',
  },
  {
    expression: everyContainer(
      ['requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'].map(hasAmount).join(' && '),
    ),
    message: 'requests and limits are required',
  },
  {
    expression: everyContainer('container.image.contains(":") && !container.image.endsWith(":latest")'),
    message: 'an image needs a tag other than latest',
  },
  {
    expression: everyContainer('container.?securityContext.?runAsNonRoot.orValue(false)'),
    message: 'containers run as a user other than root',
  },
  { expression: `!${POD}.?automountServiceAccountToken.orValue(true)`, message: 'no token may be mounted' },
  { expression: 'object.spec.replicas >= 2', message: 'two replicas are required' },
  {
    expression: 'has(object.metadata.labels) && "app.kubernetes.io/name" in object.spec.template.metadata.labels',
    message: 'the label app.kubernetes.io/name is required',
  },
  {
    expression: `size(${POD}.?topologySpreadConstraints.orValue([])) > 0`,
    message: 'Pods have to be spread over zones',
  },
];
const BUDGET_RULES: readonly Rule[] = [
  {
    expression: 'has(object.spec.maxUnavailable) && object.spec.maxUnavailable != 0',
    message: 'a budget has to let Pods go',
  },
];

const SPEC = {
  image: 'registry.example.com/shop:1.2',
  replicas: 2,
  port: 8080,
  health: { path: '/healthz' },
  resources: { requests: { cpu: '10m', memory: '16Mi' }, limits: { cpu: 1, memory: '64Mi' } },
  securityProfile: 'restricted',
};

const real = accounts();
let namespace: string;
let names = 0;

beforeAll(async () => {
  namespace = await createNamespace(real.admin, 'rules');
  await patch(real.admin, `/api/v1/namespaces/${namespace}`, {
    metadata: { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  });
  const scope = { namespace, operations: ['CREATE', 'UPDATE'] } as const;
  await demand(real.admin, { ...scope, apiGroup: 'apps', resource: 'deployments' }, DEPLOYMENT_RULES);
  await demand(real.admin, { ...scope, apiGroup: 'policy', resource: 'poddisruptionbudgets' }, BUDGET_RULES);
  // A policy takes effect a moment after its creation.
  await eventually(async () => {
    const ready = await readyAfter(await created({ ...SPEC, replicas: 0 }));
    if (!ready.includes('two replicas')) throw new Error(`There is no policy yet: ${ready}`);
  });
});
afterAll(() => removeWebsitesIn(real.admin, namespace));

async function created(spec: object): Promise<WebsiteKey> {
  const key = { namespace, name: `site-${++names}` };
  await createWebsite(real.admin, key, spec);
  return key;
}

/** Reason and message of the condition Ready after one run. */
async function readyAfter(key: WebsiteKey): Promise<string> {
  await eventually(() => reconcile(key, { cluster: kubernetes(real.functions), now: () => new Date() }));
  const website = await kubernetes(real.admin).getWebsite(key);
  const ready = website?.status?.conditions?.find(({ type }) => type === 'Ready');
  return `${ready?.reason}: ${ready?.message}`;
}

it('A spec with health, amounts, two replicas and the restricted profile satisfies the policies and becomes Available, with a budget', async () => {
  const key = await created(SPEC);
  await eventually(async () => expect(await readyAfter(key)).toMatch(/^Available: /));
  const budget = await kubernetes(real.admin).getChild('PodDisruptionBudget', key);
  const deployment = await kubernetes(real.admin).getChild('Deployment', key);
  expect(budget?.spec).toMatchObject({ maxUnavailable: 1, selector: deployment?.spec.selector });
});

it('The sample restricted.yaml satisfies the policies and becomes Available', async () => {
  const sample = parse(readFileSync('crds/samples/restricted.yaml', 'utf8')) as Website & { readonly spec: object };
  const key = await created(sample.spec);
  await eventually(async () => expect(await readyAfter(key)).toMatch(/^Available: /));
});

it.each<[string, object, string]>([
  ['no health', { health: undefined }, 'readiness and liveness probes are required'],
  ['no limits', { resources: { requests: SPEC.resources.requests } }, 'requests and limits are required'],
  ['no tag', { image: 'nginx' }, 'an image needs a tag other than latest'],
  ['a token', { automountServiceAccountToken: true }, 'no token may be mounted'],
  ['the baseline profile', { securityProfile: 'baseline' }, 'containers run as a user other than root'],
])('A spec with %s is Rejected with the message of the rule', async (_, change, message) => {
  const ready = await readyAfter(await created({ ...SPEC, ...change }));
  expect(ready).toMatch(/^Rejected: /);
  expect(ready).toContain(message);
});
