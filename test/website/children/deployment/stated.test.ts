// Which fields of a Deployment belong to the spec, and which to others.
import { expect, it } from 'vitest';
import { plan } from '../../../../functions/website/plan/plan.ts';
import { aWebsite, SPEC } from '../../../fixtures/websites.ts';
import type { Deployment } from '../../../../functions/website/children/deployment/object.ts';
import { desiredChild } from '../../../fixtures/children.ts';
import { STATED } from '../../../../functions/website/children/metadata.ts';

type Container = NonNullable<Deployment['spec']['template']['spec']>['containers'][number];

/** The Deployment of a spec with changes of another writer. */
function deploymentOf(spec: object, theirs: Partial<Container>, annotations: object = {}): Deployment {
  const deployment = structuredClone(desiredChild('Deployment', aWebsite(), spec)) as unknown as Deployment;
  Object.assign(deployment.metadata, { uid: 'uid-d', resourceVersion: '7', generation: 1 });
  Object.assign(deployment.metadata.annotations ?? {}, annotations);
  Object.assign(deployment.spec.template.spec?.containers[0] ?? {}, theirs);
  return deployment;
}

/** Our container after a change of the spec. Undefined if nothing is written. */
function after(spec: object, deployment: Deployment): Container | undefined {
  const wanted = { Deployment: desiredChild('Deployment', aWebsite(), spec) };
  const [operation] = plan(aWebsite(), wanted, { Deployment: deployment }).steps.flat();
  return (operation?.child as Deployment | undefined)?.spec.template.spec?.containers[0];
}

it.each([
  ['nginx:1', 'IfNotPresent', 'nginx', 'Always'],
  ['nginx', 'Always', 'nginx:1', 'IfNotPresent'],
  ['nginx:1', 'Always', 'nginx:2', 'Always'],
  ['nginx:1', 'Never', 'nginx:2', 'Never'],
])('After a change from %s, pulled %s, to %s, the pull policy is %s', (image, imagePullPolicy, next, expected) => {
  const deployment = deploymentOf({ ...SPEC, image }, { imagePullPolicy });
  expect(after({ ...SPEC, image: next }, deployment)).toMatchObject({ image: next, imagePullPolicy: expected });
});

const [A, B, C, OTHER] = ['A', 'B', 'C', 'OTHER'].map((name) => ({ name, value: name.toLowerCase() }));
const withEnv = (...env: unknown[]) => ({ ...SPEC, env });

it.each<[string, object[]]>([
  ['before', [OTHER, A, B]],
  ['between', [A, OTHER, B]],
  ['after', [A, B, OTHER]],
] as [string, object[]][])('A variable of another writer %s ours stays in its place', (_, env) => {
  expect(after(withEnv(A, B), deploymentOf(withEnv(A, B), { env } as Partial<Container>))).toBeUndefined();
});

it('Variables get the order of the spec, because later ones may refer to earlier ones', () => {
  const deployment = deploymentOf(withEnv(A, B), { env: [OTHER, B, OTHER, A] } as Partial<Container>);
  expect(after(withEnv(A, B, C), deployment)?.env).toEqual([OTHER, A, B, C, OTHER]);
});

it.each(['{', 'null', '[]', '{"generation":1}', '{"generation":"1","env":"A"}'])(
  'With the invalid annotation %s, only the variables of the spec stay',
  (text) => {
    const deployment = deploymentOf(withEnv(A), { env: [A, OTHER] } as Partial<Container>, { [STATED]: text });
    expect(after(withEnv(A), deployment)?.env).toEqual([A]);
  },
);

const METRICS = { name: 'metrics', containerPort: 9090, protocol: 'TCP' };

it('A port of another writer stays, unless our port gets its number. Our port is known by its name', () => {
  const [ours] = deploymentOf(SPEC, {}).spec.template.spec?.containers[0]?.ports ?? [];
  const deployment = deploymentOf(SPEC, { ports: [METRICS, ours] } as Partial<Container>);
  expect(after(SPEC, deployment)).toBeUndefined();
  expect(after({ ...SPEC, port: 8080 }, deployment)?.ports).toEqual([METRICS, { ...ours, containerPort: 8080 }]);
  expect(after({ ...SPEC, port: 9090 }, deployment)?.ports).toEqual([{ ...ours, containerPort: 9090 }]);
});

it.each([
  ['app.kubernetes.io/component', undefined],
  ['app.kubernetes.io/instance', undefined],
  ['app.kubernetes.io/managed-by', 'replace'],
  ['app', 'replace'],
])('Another value of the label %s leads to the write %s', (label, verb) => {
  const deployment = deploymentOf(SPEC, {});
  Object.assign(deployment.metadata.labels ?? {}, { [label]: 'x' });
  const wanted = { Deployment: desiredChild('Deployment', aWebsite(), SPEC) };
  expect(plan(aWebsite(), wanted, { Deployment: deployment }).steps[0]?.[0]?.verb).toBe(verb);
});

it('An invalid annotation is corrected, and a missing one is not worth a write', () => {
  expect(after(SPEC, deploymentOf(SPEC, {}, { [STATED]: '{' }))).toBeDefined();
  expect(after(SPEC, deploymentOf(SPEC, {}, { [STATED]: undefined }))).toBeUndefined();
});
