import { describe, expect, it } from 'vitest';
import type { Child, Children, Deployment, Ingress, Service } from '../../functions/website/children.ts';
import { desired, type Desired } from '../../functions/website/desired.ts';
import { actionOf, plan } from '../../functions/website/plan.ts';
import { websiteSpec, type Website } from '../../functions/website/resource.ts';
import { aWebsite, SPEC } from '../fixtures/websites.ts';

/** The children as the API server holds them after creation. */
function stored(website: Website): Children {
  const { deployment, service, ingress } = desired(website, websiteSpec.parse(website.spec));
  const store = <T extends Child>(child: Desired<T>) => {
    const metadata = { ...child.metadata, uid: `uid-of-${child.metadata.name}`, resourceVersion: '7', generation: 1 };
    return structuredClone({ ...child, metadata }) as unknown as T;
  };
  return {
    deployment: store<Deployment>(deployment),
    service: store<Service>(service),
    ingress: ingress && store<Ingress>(ingress),
  };
}

function planned(website: Website, observed: Children) {
  const { steps, obstacles } = plan(website, desired(website, websiteSpec.parse(website.spec)), observed);
  return { steps: steps.map((step) => step.map(actionOf)), obstacles, operations: steps.flat() };
}

const withHost = { ...SPEC, host: 'shop.example.com' };

describe('What has to be written', () => {
  it('creates all where there is nothing, the Ingress after the Deployment that says that there is one', () => {
    expect(planned(aWebsite({ spec: withHost }), {}).steps).toEqual([
      ['create Deployment', 'create Service'],
      ['create Ingress'],
    ]);
  });

  it('is nothing where all is as desired', () => {
    const website = aWebsite({ spec: withHost });
    expect(planned(website, stored(website)).steps).toEqual([]);
  });

  it('names the fields that differ', () => {
    const [operation] = planned(aWebsite({ spec: { ...SPEC, image: 'nginx:2' } }), stored(aWebsite())).operations;
    expect(operation).toMatchObject({ verb: 'replace', changed: ['spec.template.spec.containers[0].image'] });
  });

  it('carries the uid and resourceVersion that were read', () => {
    const [operation] = planned(aWebsite({ spec: { ...SPEC, replicas: 5 } }), stored(aWebsite())).operations;
    expect(operation?.child.metadata).toMatchObject({ uid: 'uid-of-shop-deployment', resourceVersion: '7' });
  });

  it('is a new generation on the Deployment even where nothing else differs, to fence off older runs', () => {
    const [operation] = planned(aWebsite({ metadata: { generation: 2 } }), stored(aWebsite())).operations;
    expect(operation).toMatchObject({
      verb: 'replace',
      changed: ['metadata.annotations.websites.stable.example.com/generation'],
    });
  });

  it('deletes the Ingress before the Deployment forgets about it when the host goes', () => {
    expect(planned(aWebsite(), stored(aWebsite({ spec: withHost }))).steps).toEqual([
      ['delete Ingress'],
      ['replace Deployment'],
    ]);
  });

  it('makes the Ingress anew when its class goes, because only creation takes the default', () => {
    const before = stored(aWebsite({ spec: { ...withHost, ingressClassName: 'nginx' } }));
    expect(planned(aWebsite({ spec: withHost }), before).steps).toEqual([['delete Ingress'], ['create Ingress']]);
  });

  it('removes variables, resources and the security context that left the spec', () => {
    const rich = {
      ...SPEC,
      env: [{ name: 'A', value: 'b' }],
      resources: { limits: { cpu: 1 } },
      securityProfile: 'restricted',
    };
    const [operation] = planned(aWebsite(), stored(aWebsite({ spec: rich }))).operations;
    const child = operation?.child as Deployment | undefined;
    const container = child?.spec.template.spec?.containers[0];
    expect(container).toMatchObject({ env: [], resources: { requests: {}, limits: {} } });
    expect(container).not.toHaveProperty('securityContext');
  });

  it('takes amounts that the API server rewrote for what they are', () => {
    const website = aWebsite({ spec: { ...SPEC, resources: { limits: { cpu: '1000m', memory: '1024Mi' } } } });
    const observed = structuredClone(stored(website)) as { deployment: Deployment };
    const container = observed.deployment.spec.template.spec?.containers[0];
    Object.assign(container ?? {}, { resources: { limits: { cpu: '1', memory: '1Gi' } } });
    expect(planned(website, observed).steps).toEqual([]);
  });

  it('names the amounts that differ, and none that is only written in another way', () => {
    const limits = { cpu: '62.5m', memory: '1.5Gi' };
    const before = structuredClone(stored(aWebsite({ spec: { ...SPEC, resources: { limits } } }))) as {
      deployment: Deployment;
    };
    const container = before.deployment.spec.template.spec?.containers[0];
    Object.assign(container ?? {}, { resources: { limits: { cpu: '63m', memory: '1536Mi' } } });
    const website = aWebsite({ spec: { ...SPEC, resources: { limits: { ...limits, cpu: '64m' } } } });
    const [operation] = planned(website, before).operations;
    expect(operation).toMatchObject({ changed: ['spec.template.spec.containers[0].resources.limits.cpu'] });
  });
});

describe("Other writers' fields", () => {
  it('stay: labels, annotations, owners, defaults, injected containers, a restart', () => {
    const before = structuredClone(stored(aWebsite()).deployment) as unknown as {
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
    const observed = { ...stored(aWebsite()), deployment: before as unknown as Deployment };
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

describe('A child that is not ours', () => {
  const owned = stored(aWebsite());
  const by = (ownerReferences: object[]) => {
    const child = structuredClone(owned.deployment);
    return {
      ...owned,
      deployment: { ...child, metadata: { ...child?.metadata, ownerReferences } } as unknown as Deployment,
    };
  };
  const owner = { apiVersion: 'stable.example.com/v1', kind: 'Website', name: 'shop', uid: 'uid-1', controller: true };

  it.each([
    ['nobody', [], 'foreign'],
    ['another kind', [{ ...owner, kind: 'App', uid: 'uid-9' }], 'foreign'],
    ['another Website', [{ ...owner, name: 'other', uid: 'uid-9' }], 'foreign'],
    ['us without controller', [{ ...owner, controller: false }], 'foreign'],
    ['a deleted Website of this name', [{ ...owner, uid: 'uid-0' }], 'left-over'],
  ])('because it belongs to %s is left alone', (_, owners, why) => {
    const website = aWebsite({ spec: { ...SPEC, image: 'nginx:2' } });
    const result = planned(website, by(owners));
    expect(result.steps).toEqual([]);
    expect(result.obstacles).toEqual([{ kind: 'Deployment', name: 'shop-deployment', why }]);
  });

  it('does not keep the others from being written', () => {
    expect(planned(aWebsite(), { deployment: by([]).deployment }).steps).toEqual([['create Service']]);
  });

  it('that takes a name which is not needed does not matter', () => {
    const foreign = {
      ...stored(aWebsite({ spec: withHost })).ingress,
      metadata: { name: 'shop-ingress' },
    } as unknown as Ingress;
    expect(planned(aWebsite(), { ...owned, ingress: foreign })).toMatchObject({ steps: [], obstacles: [] });
  });
});

it('A child that is being deleted is waited for', () => {
  const observed = structuredClone(stored(aWebsite())) as { deployment: Deployment };
  Object.assign(observed.deployment.metadata, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  expect(planned(aWebsite(), observed).obstacles).toEqual([
    { kind: 'Deployment', name: 'shop-deployment', why: 'leaving' },
  ]);
});

it('A Deployment with another selector, which cannot be changed, is not written to', () => {
  const observed = structuredClone(stored(aWebsite())) as { deployment: Deployment };
  Object.assign(observed.deployment.spec.selector, { matchLabels: { app: 'other' } });
  expect(planned(aWebsite(), observed)).toMatchObject({ steps: [], obstacles: [{ why: 'immutable' }] });
});
