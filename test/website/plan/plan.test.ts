import { describe, expect, it } from 'vitest';
import { desired } from '../../../functions/website/plan/desired.ts';
import { actionOf, plan } from '../../../functions/website/plan/plan.ts';
import { websiteSpec, type Website } from '../../../functions/website/resource.ts';
import { aWebsite, SPEC } from '../../fixtures/websites.ts';
import { OPTIONAL_KINDS, type Children } from '../../../functions/website/children/kinds.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import type { Service } from '../../../functions/website/children/service.ts';
import type { Ingress } from '../../../functions/website/children/ingress.ts';
import type { PodDisruptionBudget } from '../../../functions/website/children/pod-disruption-budget.ts';
import { GENERATION, STATED } from '../../../functions/website/children/metadata.ts';
import { storedChildren } from '../../fixtures/children.ts';

function planned(website: Website, observed: Children) {
  const { steps, obstacles } = plan(website, desired(website, websiteSpec.parse(website.spec)), observed);
  return { steps: steps.map((step) => step.map(actionOf)), obstacles, operations: steps.flat() };
}

const withHost = { ...SPEC, host: 'shop.example.com' };
const withBudget = { ...SPEC, disruptionBudget: 'Auto' };

describe('The plan', () => {
  it('creates all children of a new Website, and the Ingress after the Deployment that lists it', () => {
    expect(planned(aWebsite({ spec: withHost }), {}).steps).toEqual([
      ['create Deployment', 'create Service'],
      ['create Ingress'],
    ]);
  });

  it('is empty if all children are as desired', () => {
    const website = aWebsite({ spec: withHost });
    expect(planned(website, storedChildren(website)).steps).toEqual([]);
  });

  it('replaces minAvailable by maxUnavailable, because the API server refuses both together', () => {
    const website = aWebsite({ spec: withBudget });
    const children = storedChildren(website);
    const { maxUnavailable: _, ...spec } = children.PodDisruptionBudget?.spec ?? {};
    const edited = { ...children.PodDisruptionBudget, spec: { ...spec, minAvailable: 2 } } as PodDisruptionBudget;
    const { steps, operations } = planned(website, { ...children, PodDisruptionBudget: edited });
    expect(steps).toEqual([['replace PodDisruptionBudget']]);
    expect(operations[0]?.child.spec).toEqual(children.PodDisruptionBudget?.spec);
  });

  it('names the fields that differ', () => {
    const [operation] = planned(
      aWebsite({ spec: { ...SPEC, image: 'nginx:2' } }),
      storedChildren(aWebsite()),
    ).operations;
    expect(operation).toMatchObject({ verb: 'replace', changed: ['spec.template.spec.containers[0].image'] });
  });

  it('carries the uid and resourceVersion that were read', () => {
    const [operation] = planned(aWebsite({ spec: { ...SPEC, replicas: 5 } }), storedChildren(aWebsite())).operations;
    expect(operation?.child.metadata).toMatchObject({ uid: 'uid-of-shop-deployment', resourceVersion: '7' });
  });

  it('writes a new generation to the Deployment even if nothing else differs, to fence off older runs', () => {
    const [operation] = planned(aWebsite({ metadata: { generation: 2 } }), storedChildren(aWebsite())).operations;
    expect(operation).toMatchObject({
      verb: 'replace',
      changed: [
        'metadata.annotations.websites.stable.example.com/generation',
        'metadata.annotations.websites.stable.example.com/stated',
      ],
    });
  });

  it('deletes an Ingress without a host before the Deployment stops listing it', () => {
    expect(planned(aWebsite(), storedChildren(aWebsite({ spec: withHost }))).steps).toEqual([
      ['delete Ingress'],
      ['replace Deployment'],
    ]);
  });

  it('recreates an Ingress that loses its class, because only creation takes the default class', () => {
    const before = storedChildren(aWebsite({ spec: { ...withHost, ingressClassName: 'nginx' } }));
    expect(planned(aWebsite({ spec: withHost }), before).steps).toEqual([['delete Ingress'], ['create Ingress']]);
  });

  it('keeps annotations of others on a recreated Ingress, except snippets, which the fence refuses', () => {
    const before = structuredClone(storedChildren(aWebsite({ spec: { ...withHost, ingressClassName: 'nginx' } }))) as {
      Ingress: Ingress;
    };
    const annotations = { 'example.com/team': 'a', 'nginx.ingress.kubernetes.io/server-snippet': 'x' };
    Object.assign(before.Ingress.metadata.annotations ?? {}, annotations);
    const { child } = planned(aWebsite({ spec: withHost }), before).operations[1] ?? {};
    expect(child?.metadata.annotations).toMatchObject({ 'example.com/team': 'a' });
    expect(child?.metadata.annotations).not.toHaveProperty('nginx.ingress.kubernetes.io/server-snippet');
  });

  it.each([{ apiVersion: 'stable.example.com/v1beta1' }, { kind: 'ConfigMap' }, { name: 'other' }])(
    'restores an owner reference with the wrong field %j',
    (wrong) => {
      const before = structuredClone(storedChildren(aWebsite())) as { Service: Service };
      const { ownerReferences: [owner] = [] } = before.Service.metadata;
      const want = { ...owner };
      Object.assign(owner ?? {}, wrong);
      const [operation] = planned(aWebsite(), before).operations;
      expect(operation).toMatchObject({ verb: 'replace', child: { metadata: { ownerReferences: [want] } } });
    },
  );

  it('removes variables, resources and the security context that left the spec', () => {
    const rich = {
      ...SPEC,
      env: [{ name: 'A', value: 'b' }],
      resources: { limits: { cpu: 1 } },
      securityProfile: 'restricted',
    };
    const [operation] = planned(aWebsite(), storedChildren(aWebsite({ spec: rich }))).operations;
    const child = operation?.child as Deployment | undefined;
    const container = child?.spec.template.spec?.containers[0];
    expect(container).toMatchObject({ env: [], resources: { requests: {}, limits: {} } });
    expect(container).not.toHaveProperty('securityContext');
  });

  it('sees no difference in amounts that the API server rewrote', () => {
    const website = aWebsite({ spec: { ...SPEC, resources: { limits: { cpu: '1000m', memory: '1024Mi' } } } });
    const observed = structuredClone(storedChildren(website)) as { Deployment: Deployment };
    const container = observed.Deployment.spec.template.spec?.containers[0];
    Object.assign(container ?? {}, { resources: { limits: { cpu: '1', memory: '1Gi' } } });
    expect(planned(website, observed).steps).toEqual([]);
  });

  it('names changed amounts, and no amount that is only written in another form', () => {
    const limits = { cpu: '62.5m', memory: '1.5Gi' };
    const before = structuredClone(storedChildren(aWebsite({ spec: { ...SPEC, resources: { limits } } }))) as {
      Deployment: Deployment;
    };
    const container = before.Deployment.spec.template.spec?.containers[0];
    Object.assign(container ?? {}, { resources: { limits: { cpu: '63m', memory: '1536Mi' } } });
    const website = aWebsite({ spec: { ...SPEC, resources: { limits: { ...limits, cpu: '64m' } } } });
    const [operation] = planned(website, before).operations;
    expect(operation).toMatchObject({ changed: ['spec.template.spec.containers[0].resources.limits.cpu'] });
  });
});

describe('Fields of other writers', () => {
  it('stay: labels, annotations, owners, defaults, injected containers, a restart', () => {
    const before = structuredClone(storedChildren(aWebsite()).Deployment) as unknown as {
      metadata: { labels: object; annotations: object; ownerReferences?: object[] };
      spec: {
        revisionHistoryLimit: number;
        template: { metadata: { annotations: object }; spec: { containers: object[] } };
      };
    };
    Object.assign(before.metadata.labels, { team: 'a' });
    Object.assign(before.metadata.annotations, { 'deployment.kubernetes.io/revision': '3' });
    const theirs = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'uid-x' };
    before.metadata.ownerReferences = [...(before.metadata.ownerReferences ?? []), theirs];
    before.spec.revisionHistoryLimit = 10;
    before.spec.template.metadata.annotations = { 'kubectl.kubernetes.io/restartedAt': 'now' };
    before.spec.template.spec.containers.unshift({ name: 'sidecar', image: 'proxy' });
    const observed = { ...storedChildren(aWebsite()), Deployment: before as unknown as Deployment };
    expect(planned(aWebsite(), observed).steps).toEqual([]);

    const [operation] = planned(aWebsite({ spec: { ...SPEC, image: 'nginx:2' } }), observed).operations;
    expect(operation?.child).toMatchObject({
      metadata: { labels: { team: 'a' }, annotations: { 'deployment.kubernetes.io/revision': '3' } },
      spec: {
        revisionHistoryLimit: 10,
        template: {
          metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } },
          spec: { containers: [{ name: 'sidecar' }, { name: 'webserver', image: 'nginx:2' }] },
        },
      },
    });
  });
});

describe('A foreign child', () => {
  const owned = storedChildren(aWebsite());
  const by = (ownerReferences: object[], metadata: object = {}) => {
    const child = structuredClone(owned.Deployment);
    return {
      ...owned,
      Deployment: { ...child, metadata: { ...child?.metadata, ownerReferences, ...metadata } } as unknown as Deployment,
    };
  };
  const unlabelled = { labels: { app: 'shop' } };
  const owner = { apiVersion: 'stable.example.com/v1', kind: 'Website', name: 'shop', uid: 'uid-1', controller: true };

  it.each<[string, object[], object?]>([
    ['has no owner and not our label', [], unlabelled],
    [
      "has no owner and another Website's label",
      [],
      { labels: { ...owned.Deployment?.metadata.labels, 'app.kubernetes.io/instance': 'other' } },
    ],
    ['has no owner and no generation annotation', [], { annotations: {} }],
    ['belongs to another kind', [{ ...owner, kind: 'App', uid: 'uid-9' }]],
    ['belongs to another version of the kind', [{ ...owner, apiVersion: 'stable.example.com/v2', uid: 'uid-9' }]],
    ['belongs to another Website', [{ ...owner, name: 'other', uid: 'uid-9' }]],
    ['belongs to us without controller, as a Kopf operator creates it', [{ ...owner, controller: false }], unlabelled],
  ])('that %s is not written', (_, owners, metadata) => {
    const website = aWebsite({ spec: { ...SPEC, image: 'nginx:2' } });
    const result = planned(website, by(owners, metadata));
    expect(result.steps).toEqual([]);
    expect(result.obstacles).toEqual([{ kind: 'Deployment', name: 'shop-deployment', why: 'foreign' }]);
  });

  it('that has no owner and selects other Pods is not written, for a PodDisruptionBudget too', () => {
    const website = aWebsite({ spec: withBudget });
    const children = storedChildren(website);
    const orphan = structuredClone(children.PodDisruptionBudget) as PodDisruptionBudget;
    Object.assign(orphan.metadata, { ownerReferences: [] });
    Object.assign(orphan.spec, { selector: { matchLabels: { app: 'other' } } });
    expect(planned(website, { ...children, PodDisruptionBudget: orphan })).toMatchObject({
      steps: [],
      obstacles: [{ kind: 'PodDisruptionBudget', why: 'foreign' }],
    });
  });

  it('does not keep the other children from being written', () => {
    expect(planned(aWebsite(), { Deployment: by([], unlabelled).Deployment }).steps).toEqual([['create Service']]);
  });

  it.each(OPTIONAL_KINDS.map(({ kind }) => kind))(
    'of kind %s does not keep other optional children from being created',
    (kind) => {
      const website = aWebsite({ spec: { ...withBudget, host: 'shop.example.com' } });
      const wanted = storedChildren(website);
      const child = wanted[kind];
      if (child === undefined) return;
      const others = OPTIONAL_KINDS.filter((each) => each.kind !== kind && wanted[each.kind] !== undefined);
      const foreign = { ...child, metadata: { ...child.metadata, ownerReferences: [], labels: {} } };
      const result = planned(website, { Deployment: wanted.Deployment, Service: wanted.Service, [kind]: foreign });
      expect(result.obstacles).toMatchObject([{ kind, why: 'foreign' }]);
      expect(result.steps.flat()).toEqual(others.map((each) => `create ${each.kind}`));
    },
  );

  it('of a kind that always exists keeps the optional children from being created', () => {
    const website = aWebsite({ spec: withHost });
    const { Deployment, Service } = storedChildren(website);
    const foreign = {
      ...Service,
      metadata: { ...Service?.metadata, ownerReferences: [], labels: {} },
    } as typeof Service;
    expect(planned(website, { Deployment, Service: foreign }).steps.flat()).toEqual([]);
  });

  it('with a name that the spec does not need is ignored', () => {
    const foreign = {
      ...storedChildren(aWebsite({ spec: withHost })).Ingress,
      metadata: { name: 'shop-ingress' },
    } as unknown as Ingress;
    expect(planned(aWebsite(), { ...owned, Ingress: foreign })).toMatchObject({ steps: [], obstacles: [] });
  });
});

describe('A child that may be adopted', () => {
  const dead = { apiVersion: 'stable.example.com/v1', kind: 'Website', name: 'shop', uid: 'uid-0', controller: true };
  const ours = expect.objectContaining({ uid: 'uid-1', controller: true }) as object;
  const theirs = { apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'uid-x' };
  /** All children of a Website, whose owner references are replaced. */
  const ownedBy = (ownerReferences: object[], website = aWebsite()): Children => {
    const children = structuredClone(storedChildren(website));
    for (const child of [children.Deployment, children.Service, children.Ingress])
      if (child !== undefined) Object.assign(child.metadata, { ownerReferences });
    return children;
  };

  it.each<[string, object[], 'left-over' | 'orphan']>([
    ['it is left from a deleted Website of this name', [theirs, dead], 'left-over'],
    ['it lost its owner references but has all our marks', [theirs], 'orphan'],
  ])(
    'because %s gets our owner reference instead of the old controller, and the desired fields',
    (_, owners, takes) => {
      const { steps, operations, obstacles } = planned(
        aWebsite({ spec: { ...SPEC, image: 'nginx:2' } }),
        ownedBy(owners),
      );
      expect({ steps, obstacles }).toEqual({ steps: [['replace Deployment', 'replace Service']], obstacles: [] });
      for (const operation of operations)
        expect(operation).toMatchObject({
          takes,
          child: { metadata: { ownerReferences: [theirs, ours], resourceVersion: '7' } },
        });
      expect(operations[0]).toMatchObject({
        child: { spec: { template: { spec: { containers: [{ image: 'nginx:2' }] } } } },
      });
    },
  );

  it.each<[string, object, string[]]>([
    ['has the annotation of stated fields keeps additions of others', {}, ['OTHER']],
    ['lacks the annotation of stated fields keeps only fields of the spec', { [STATED]: undefined }, []],
    ['has that annotation of another generation keeps only fields of the spec', { [GENERATION]: '7' }, []],
  ])('and %s', (_, annotations, names) => {
    for (const owners of [[dead], [theirs]]) {
      const before = aWebsite({ spec: { ...SPEC, env: [{ name: 'A', value: 'a' }] } });
      const { Deployment: deployment } = structuredClone(ownedBy(owners, before));
      const [container] = deployment?.spec.template.spec?.containers ?? [];
      container?.env?.push({ name: 'OTHER', value: 'b' });
      Object.assign(deployment?.metadata.annotations ?? {}, annotations);
      const env = names.map((name) => expect.objectContaining({ name }) as object);
      expect(planned(aWebsite(), { Deployment: deployment }).operations[0]).toMatchObject({
        child: { spec: { template: { spec: { containers: [{ env }] } } } },
      });
    }
  });

  it('is an obstacle with its finalizers while it is being deleted', () => {
    const observed = ownedBy([dead]);
    Object.assign(observed.Service?.metadata ?? {}, { deletionTimestamp: 'now', finalizers: ['a', 'b'] });
    expect(planned(aWebsite(), observed)).toMatchObject({
      steps: [['replace Deployment']],
      obstacles: [{ kind: 'Service', name: 'shop-service', why: 'leaving', finalizers: ['a', 'b'] }],
    });
  });

  it('is left to the garbage collector if it selects other Pods', () => {
    const observed = ownedBy([dead]);
    Object.assign(observed.Deployment?.spec.selector ?? {}, { matchLabels: { app: 'other' } });
    expect(planned(aWebsite(), observed).obstacles).toEqual([
      { kind: 'Deployment', name: 'shop-deployment', why: 'left-over' },
    ]);
  });

  it('and is not desired is first taken over from a deleted Website, and then deleted', () => {
    const before = aWebsite({ spec: withHost });
    const { steps, operations } = planned(aWebsite(), ownedBy([dead], before));
    expect(steps).toEqual([['replace Ingress'], ['delete Ingress'], ['replace Deployment', 'replace Service']]);
    expect(operations[0]?.child.metadata.ownerReferences).toEqual([ours]);
  });

  it('and is not desired stays if it has no owner', () => {
    const before = aWebsite({ spec: withHost });
    expect(planned(aWebsite(), ownedBy([], before)).steps).toEqual([['replace Deployment', 'replace Service']]);
  });
});

it('A child that is being deleted is an obstacle', () => {
  const observed = structuredClone(storedChildren(aWebsite())) as { Deployment: Deployment };
  Object.assign(observed.Deployment.metadata, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  expect(planned(aWebsite(), observed).obstacles).toEqual([
    { kind: 'Deployment', name: 'shop-deployment', why: 'leaving' },
  ]);
});

it('A Deployment with another selector, which cannot be changed, is not written', () => {
  const observed = structuredClone(storedChildren(aWebsite())) as { Deployment: Deployment };
  Object.assign(observed.Deployment.spec.selector, { matchLabels: { app: 'other' } });
  expect(planned(aWebsite(), observed)).toMatchObject({ steps: [], obstacles: [{ why: 'immutable' }] });
});
