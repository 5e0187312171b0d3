import { describe, expect, it } from 'vitest';
import { OPTIONAL_CHILDREN } from '../../../functions/website/children/metadata.ts';
import { desired } from '../../../functions/website/plan/desired.ts';
import { plan } from '../../../functions/website/plan/plan.ts';
import { announcementOf, repairedIn, repairsOf } from '../../../functions/website/run/repair.ts';
import { websiteSpec, type ObjectMeta, type Website } from '../../../functions/website/resource.ts';
import { aWebsite, NOW, SPEC } from '../../fixtures/websites.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import type { Child, Children } from '../../../functions/website/children/kinds.ts';
import { storedChildren } from '../../fixtures/children.ts';

const website = aWebsite({ spec: { ...SPEC, host: 'a.example.com' }, status: { observedGeneration: 1 } });
type Managed = ObjectMeta['managedFields'];

const written = (of: Website) =>
  storedChildren(of) as Required<{ [Kind in keyof Children]: NonNullable<Children[Kind]> }>;

function changed<T extends Child>(child: T, change: (child: T) => void, managedFields?: Managed): T {
  const copy = structuredClone(child);
  change(copy);
  return managedFields === undefined ? copy : { ...copy, metadata: { ...copy.metadata, managedFields } };
}

/** The repairs if all planned writes are made. */
function repairs(before: Partial<Children>, of = website) {
  const observed: Children = { ...written(website), ...before };
  const planned = plan(of, desired(of, websiteSpec.parse(of.spec)), observed);
  return repairsOf(of, planned.steps.flat(), observed);
}

const { Deployment: deployment, Service: service, Ingress: ingress } = written(website);
const container = (of: Deployment) => of.spec.template.spec?.containers[0] as { image: string; env?: object[] };
const scaled = (managedFields?: Managed) => changed(deployment, (to) => (to.spec.replicas = 5), managedFields);
const reimaged = (managedFields?: Managed) =>
  changed(deployment, (to) => (container(to).image = 'nginx:9'), managedFields);
const IMAGE = {
  'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"webserver"}': { 'f:image': {} } } } } },
};
const REPLICAS = { 'f:spec': { 'f:replicas': {} } };
const noteOf = (before: Partial<Children>) => repairs(before).map(({ note }) => note);

describe('A repair is reported for', () => {
  it.each([
    ['a Deployment', { Deployment: scaled() }, 'Deployment', ['spec.replicas']],
    ['an Ingress', { Ingress: changed(ingress, (to) => (to.spec.rules = [])) }, 'Ingress', ['spec.rules']],
    ['a Service', { Service: changed(service, (to) => (to.spec.type = 'NodePort')) }, 'Service', ['spec.type']],
  ] as const)('%s with a changed field, which this generation had written', (_, before, kind, fields) => {
    expect(repairs(before)).toMatchObject([{ kind, fields }]);
  });

  it('no change that a new generation makes', () => {
    const newer = aWebsite({ ...website, metadata: { generation: 2 }, spec: { ...SPEC, replicas: 3 } });
    const { type: _, ...spec } = service.spec;
    expect(repairs({ Service: { ...service, spec } }, newer)).toEqual([]);
  });

  it('no change of our own annotations', () => {
    const marked = changed(deployment, ({ metadata }) => {
      delete (metadata.annotations as Record<string, string>)[OPTIONAL_CHILDREN];
    });
    expect(repairs({ Deployment: marked })).toEqual([]);
  });

  it('no adoption', () => {
    const orphan = changed(
      deployment,
      ({ metadata }) => delete (metadata as { ownerReferences?: unknown }).ownerReferences,
    );
    expect(repairs({ Deployment: orphan })).toEqual([]);
  });

  it('no field that the functions wrote last, because a policy or another release changes it', () => {
    const ours = { manager: 'website-reconciler', time: '2026-01-01T00:00:00Z', fieldsV1: REPLICAS };
    expect(repairs({ Deployment: scaled([ours]) })).toEqual([]);
    expect(repairs({ Deployment: scaled([{ manager: 'hpa', fieldsV1: REPLICAS }, ours]) })).toHaveLength(1);
  });

  it('a list from which somebody removed an item, although the functions wrote the rest of it', () => {
    const spec = { ...SPEC, host: 'a.example.com', env: ['A', 'B'].map((name) => ({ name, value: `of ${name}` })) };
    const of = aWebsite({ ...website, spec });
    const less = changed(written(of).Deployment, (to) => container(to).env?.pop(), [
      { manager: 'website-reconciler', fieldsV1: { 'f:spec': {} } },
    ]);
    const [found] = repairs({ Deployment: less }, of);
    expect(found).toMatchObject({ kind: 'Deployment', fields: ['spec.template.spec.containers[0].env'] });
    expect(found?.note).not.toContain('of B');
  });
});

describe('The note of a repair', () => {
  it('has the values of replicas and image, and who wrote them last', () => {
    const before = changed(reimaged(), (to) => (to.spec.replicas = 5), [
      { manager: 'old', time: '2026-01-01T00:00:00Z', fieldsV1: IMAGE },
      { manager: 'kubectl-set', time: '2026-01-02T00:00:00Z', fieldsV1: IMAGE },
      { manager: 'website-reconciler', time: '2026-01-03T00:00:00Z', fieldsV1: { ...IMAGE } },
      { manager: 'kube-controller-manager', fieldsV1: { 'f:status': {} } },
      { manager: 'hpa', fieldsV1: REPLICAS },
    ]);
    expect(noteOf({ Deployment: before })).toEqual([
      'Reverted a change of Deployment shop-deployment: spec.replicas from 5 to 2, spec.template.spec.containers[0].image from nginx:9 to nginx:1.29; last written by hpa, kubectl-set',
    ]);
  });

  it('names no writer if the field managers do not tell', () => {
    for (const managedFields of [
      undefined,
      [],
      [{ manager: 'x' }],
      [{ fieldsV1: REPLICAS }],
      [{ manager: 'x', fieldsV1: { 'f:spec': { 'f:replicasX': {}, 'f:repl': {} } } }],
    ])
      expect(noteOf({ Deployment: scaled(managedFields) })[0]).toMatch(/ from 5 to 2$/);
    const other = {
      'f:spec': { 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"proxy"}': {}, 'k:{': {} } } } },
    };
    expect(noteOf({ Deployment: reimaged([{ manager: 'x', fieldsV1: other }]) })[0]).toMatch(/ to nginx:1.29$/);
  });

  it('finds the writers of labels with dots in their names, and of fields that are written as a whole', () => {
    const label = changed(
      deployment,
      ({ metadata }) => ((metadata.labels as Record<string, string>)['app.kubernetes.io/managed-by'] = 'x'),
      [{ manager: 'labeller', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:app.kubernetes.io/managed-by': {} } } } }],
    );
    const selector = changed(service, (to) => (to.spec.selector = { app: 'x' }), [
      { manager: 'selecting', fieldsV1: { 'f:spec': { 'f:selector': {} } } },
    ]);
    expect(noteOf({ Deployment: label })[0]).toMatch(/managed-by; last written by labeller$/);
    expect(noteOf({ Service: selector })[0]).toMatch(/; last written by selecting$/);
  });

  it('is limited to five fields, and to the beginning of a value', () => {
    const env = Array.from({ length: 8 }, (_, index) => ({ name: `V${index}`, value: `secret ${index}` }));
    const of = aWebsite({ ...website, spec: { ...SPEC, host: 'a.example.com', env } });
    const before = changed(written(of).Deployment, (to) => {
      for (const each of container(to).env ?? []) Object.assign(each, { value: 'other' });
      container(to).image = 'x'.repeat(5_000);
    });
    const [found] = repairs({ Deployment: before }, of);
    expect(found?.fields).toHaveLength(5);
    expect(found?.note).toMatch(/ and 4 more$/);
    expect(found?.note).not.toMatch(/secret|other/);
    expect(found?.note.length).toBeLessThan(600);
  });
});

it('Each child of each Website has one Event for repairs in ten minutes', () => {
  const onceOf = (kind: Child['kind'], minutes: number, uid = 'uid-1') =>
    announcementOf(
      aWebsite({ metadata: { uid } }),
      { kind, fields: [], note: '' },
      new Date(NOW.getTime() + minutes * 60_000),
    ).once;
  expect(onceOf('Deployment', 5)).toBe(onceOf('Deployment', 0));
  const different = [
    onceOf('Deployment', 0),
    onceOf('Deployment', 10),
    onceOf('Service', 0),
    onceOf('Service', 0, 'x'),
  ];
  expect(new Set(different).size).toBe(4);
});

it('The log names the kinds and fields of repairs', () => {
  expect(repairedIn({ repairs: repairs({ Deployment: scaled() }) })).toEqual({
    repaired: ['Deployment spec.replicas'],
  });
  expect(repairedIn({ repairs: [] })).toEqual({});
});
