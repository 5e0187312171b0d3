import { beforeEach, describe, expect, it } from 'vitest';
import { REQUESTED_AT, type ObjectMeta, type WebsiteKey } from '../../../functions/website/resource.ts';
import { unseenStatus } from '../../../functions/website/status/status.ts';
import { KINDS } from '../../../functions/website/children/kinds.ts';
import type { Change } from '../../../infra/forwarder/watch/change.ts';
import { rememberChild } from '../../../infra/forwarder/watch/child-change.ts';
import { childObserver, websiteObserver } from '../../../infra/forwarder/watch/observers.ts';
import { aWebsite, NOW } from '../../fixtures/websites.ts';
import type { Observer, WatchedObject } from '../../../infra/forwarder/watch/observer.ts';

let changes: Change[];
let resyncs: number;
let observer: Observer;
let missed: string[] = [];
const outlet = {
  change: (change: Change) => void changes.push(change),
  resync: () => void resyncs++,
  missed: (resource: string) => void missed.push(resource),
};
let version = 0;

beforeEach(() => {
  changes = [];
  resyncs = 0;
});
const told = () => changes.splice(0).map(({ kind, reason, id }) => [kind, reason, id]);
function list(...objects: WatchedObject[]): void {
  observer.listStarted();
  for (const object of objects) observer.listed(object);
  observer.listEnded();
}

const ready = (status: string) => ({ type: 'Ready', status, lastTransitionTime: '', reason: '', message: '' });
const SETTLED = { observedGeneration: 1, conditions: [ready('True')] };
/** The API server's record of the last status write by the functions. */
const writtenAt = (time: string): Pick<ObjectMeta, 'managedFields'> => ({
  managedFields: [{ manager: 'website-reconciler', subresource: 'status', time }],
});
const website = (metadata: Partial<ObjectMeta> = {}, status: object | undefined = SETTLED): WatchedObject => ({
  metadata: {
    name: 'shop',
    namespace: 'a',
    uid: 'u1',
    generation: 1,
    resourceVersion: String(++version),
    ...writtenAt('2026-01-01T00:00:01Z'),
    ...metadata,
  },
  ...(status === undefined ? {} : { status }),
});

describe('A Website in a list', () => {
  beforeEach(() => {
    observer = websiteObserver(outlet);
  });

  it.each<[string, WatchedObject, string | undefined]>([
    ['without a status is reported as first seen', website({}, {}), 'first-seen'],
    ['with a spec newer than its status is reported as changed', website({ generation: 2 }), 'spec-changed'],
    ['that is being deleted is reported as changed', website({ deletionTimestamp: 'now' }), 'spec-changed'],
    [
      'with an unanswered request is reported as requested',
      website({ annotations: { [REQUESTED_AT]: '1' } }),
      'requested',
    ],
    [
      'with an answered request is settled',
      website({ annotations: { [REQUESTED_AT]: '1' } }, { ...SETTLED, lastHandledReconcileAt: '1' }),
      undefined,
    ],
    [
      'that is not ready is reported as a retry',
      website({}, { observedGeneration: 1, conditions: [ready('False')] }),
      'retry',
    ],
    ['that is ready is settled', website(), undefined],
  ])('%s', (_, object, reason) => {
    list(object);
    expect(changes.map((change) => change.reason)).toEqual(reason === undefined ? [] : [reason]);
    expect(resyncs).toBe(1);
  });

  it('with an acknowledged request that was too long to be stored word for word is settled', () => {
    const metadata = { annotations: { [REQUESTED_AT]: 'x'.repeat(250_000) } };
    const verdict = { state: 'stalled', reason: 'InvalidSpec', message: '' } as const;
    const { lastHandledReconcileAt } = unseenStatus(aWebsite({ metadata }), verdict, NOW);
    expect(lastHandledReconcileAt?.length).toBeLessThan(300);
    list(website(metadata, { ...SETTLED, lastHandledReconcileAt }));
    expect(told()).toEqual([]);
  });

  it('that is not ready comes after all changed ones, wherever it stands in the list', () => {
    const unready = (name: string) =>
      website({ name, uid: name }, { observedGeneration: 1, conditions: [ready('False')] });
    const changed = (name: string) => website({ name, uid: name, generation: 2 });
    list(unready('a'), changed('b'), unready('c'), changed('d'));
    expect(changes.map(({ key }) => key.name)).toEqual(['b', 'd', 'a', 'c']);
  });

  it('that is not ready is reported once, although the first list broke off', () => {
    const object = website({}, { observedGeneration: 1, conditions: [ready('False')] });
    observer.listStarted();
    observer.listed(object);
    list(object);
    expect(changes).toHaveLength(1);
  });

  it('is followed by a resync even if it does not exist, so that a new installation shows whether resyncs work', () => {
    list();
    expect([told(), resyncs]).toEqual([[], 1]);
  });

  it('that disappeared between two lists is reported as deleted, with an id that depends only on its uid', () => {
    list(website());
    list();
    expect(told()).toEqual([['deleted', 'deleted', 'u1.deleted']]);
  });

  it('that came back with another uid is reported as deleted and as new', () => {
    list(website());
    list(website({ uid: 'u2', resourceVersion: '77' }, {}));
    expect(told()).toEqual([
      ['deleted', 'deleted', 'u1.deleted'],
      ['changed', 'first-seen', 'u2.77'],
    ]);
  });

  it('that still has no status in the second list is reported as changed, not as first seen', () => {
    list(website({ resourceVersion: '5' }, {}));
    list(website({ resourceVersion: '5' }, {}));
    expect(told()).toEqual([
      ['changed', 'first-seen', 'u1.5'],
      ['changed', 'spec-changed', 'u1.5'],
    ]);
  });

  it.each([null, 'text', { conditions: null }, { conditions: 'text' }, { conditions: [null] }])(
    'with the invalid status %j, which a CRD without our schema admits, is reported as usual',
    (status) => {
      const generation = { observedGeneration: 1 };
      list({
        ...website(),
        status: typeof status === 'object' && status !== null ? { ...generation, ...status } : status,
      });
      expect(told()).toHaveLength(1);
    },
  );

  it('is not reported as deleted by a list that starts again before it names the Website', () => {
    list(website());
    observer.listStarted();
    list(website());
    expect(told()).toEqual([]);
  });

  it('that changed between two lists is reported', () => {
    list(website());
    list(website({ labels: { team: 'b' } }));
    expect(told()).toMatchObject([['changed', 'spec-changed', expect.any(String)]]);
  });
});

describe('A Website in a watch', () => {
  beforeEach(() => {
    observer = websiteObserver(outlet);
    list(website());
  });

  it('whose status somebody edited asks for a read of all its children', () => {
    observer.changed(website({}, { ...SETTLED, replicas: 99 }));
    expect(changes).toMatchObject([{ reads: 'all-children', versions: { Website: String(version) } }]);
  });

  it.each<[string, WatchedObject, string | undefined]>([
    ['with a new generation is reported as changed', website({ generation: 2 }), 'spec-changed'],
    ['with a new label is reported as changed', website({ labels: { a: 'b' } }), 'spec-changed'],
    ['that is being deleted is reported as changed', website({ deletionTimestamp: 'now' }), 'spec-changed'],
    ['with a new request is reported as requested', website({ annotations: { [REQUESTED_AT]: '2' } }), 'requested'],
    [
      'whose status the functions wrote is not reported',
      website(writtenAt('2026-01-01T00:00:09Z'), { observedGeneration: 1, conditions: [ready('False')] }),
      undefined,
    ],
    [
      'with a new condition of another program is not reported',
      website({}, { ...SETTLED, conditions: [...SETTLED.conditions, { ...ready('False'), type: 'Audited' }] }),
      undefined,
    ],
    ['whose status somebody edited is reported as changed', website({}, { ...SETTLED, replicas: 99 }), 'spec-changed'],
    ['without its previous status is reported as changed', website({ managedFields: [] }, {}), 'spec-changed'],
    ['with new managed fields only is not reported', website({ managedFields: [] }), undefined],
  ])('%s', (_, object, reason) => {
    observer.changed(object);
    expect(changes.map((change) => change.reason)).toEqual(reason === undefined ? [] : [reason]);
  });

  it('that returns with another uid, without a deletion in between, is reported as deleted and as new', () => {
    observer.changed(website({ uid: 'u2', resourceVersion: '77' }, {}));
    expect(told()).toEqual([
      ['deleted', 'deleted', 'u1.deleted'],
      ['changed', 'first-seen', 'u2.77'],
    ]);
  });

  it('has a known uid until it is deleted', () => {
    const websites = websiteObserver(outlet);
    const key = { namespace: 'a', name: 'shop' };
    expect(websites.uidOf(key)).toBeUndefined();
    websites.changed(website());
    expect(websites.uidOf(key)).toBe('u1');
    websites.deleted(website());
    expect(websites.uidOf(key)).toBeUndefined();
  });

  it('whose deletion the watch repeats is reported once', () => {
    observer.deleted(website({ resourceVersion: '88' }));
    observer.deleted(website({ resourceVersion: '88' }));
    expect(told()).toEqual([['deleted', 'deleted', 'u1.88.deleted']]);
  });
});

const OWNER = { apiVersion: 'stable.example.com/v1', kind: 'Website', name: 'shop', uid: 'u1', controller: true };
const child = (metadata: Partial<ObjectMeta> = {}, rest: object = {}): WatchedObject => ({
  metadata: { name: 'shop-x', namespace: 'a', uid: 'c1', resourceVersion: '5', ownerReferences: [OWNER], ...metadata },
  spec: { replicas: 1 },
  status: { readyReplicas: 1, conditions: [{ type: 'Available', status: 'True', reason: 'Ok', lastUpdateTime: '1' }] },
  ...rest,
});

describe("The version of a Website's Deployment", () => {
  const shop = { namespace: 'a', name: 'shop' };
  const metadata = { name: 'shop-deployment', namespace: 'a' };
  const seen = () => childObserver('Deployment', outlet, { uidOf: () => 'u1' });

  it('is the last that a list or a watch showed, even if nothing that matters changed', () => {
    const deployments = seen();
    observer = deployments;
    expect(deployments.versionOf(shop)).toBeNull();
    list(child({ ...metadata, resourceVersion: '5' }));
    expect(deployments.versionOf(shop)).toBe('5');
    observer.changed(child({ ...metadata, resourceVersion: '6' }));
    expect(deployments.versionOf(shop)).toBe('6');
    observer.changed(child({ ...metadata, resourceVersion: '7' }, { spec: { replicas: 2 } }));
    expect(deployments.versionOf(shop)).toBe('7');
    expect(deployments.versionOf({ ...shop, name: 'other' })).toBeNull();
    observer.deleted(child({ ...metadata, resourceVersion: '8' }));
    expect(deployments.versionOf(shop)).toBeNull();
  });

  it('is unknown if no Website controls it, or for another kind', () => {
    const deployments = seen();
    observer = deployments;
    list(child({ ...metadata, ownerReferences: [] }));
    expect(deployments.versionOf(shop)).toBeUndefined();
    const services = childObserver('Service', outlet, { uidOf: () => 'u1' });
    observer = services;
    list(child({ ...metadata, name: 'shop-service' }));
    expect(services.versionOf(shop)).toBeUndefined();
  });
});

describe('A child', () => {
  let there: Set<string>;
  const websites = {
    uidOf: ({ namespace, name }: WebsiteKey) => (there.has(`${namespace}/${name}`) ? 'u1' : undefined),
  };

  beforeEach(() => {
    there = new Set(['a/shop', 'a/other']);
    observer = childObserver('Deployment', outlet, websites);
    list(child());
  });

  it.each<[string, WatchedObject, boolean]>([
    ['without a change is not reported', child({ resourceVersion: '6' }), false],
    ['with an edited spec is reported', child({}, { spec: { replicas: 2 } }), true],
    ['with a changed readiness is reported', child({}, { status: { readyReplicas: 0 } }), true],
    ['with a changed label is reported', child({ labels: { a: 'b' } }), true],
    ['with a changed annotation is reported', child({ annotations: { a: 'b' } }), true],
    ['that is being deleted is reported', child({ deletionTimestamp: 'now' }), true],
    ['without its owner reference is reported', child({ ownerReferences: [] }), true],
    [
      'whose conditions have only a new time is not reported',
      child(
        {},
        {
          status: {
            readyReplicas: 1,
            conditions: [{ type: 'Available', status: 'True', reason: 'Ok', lastUpdateTime: '2' }],
          },
        },
      ),
      false,
    ],
  ])('%s', (_, object, isNews) => {
    observer.changed(object);
    expect(changes).toMatchObject(
      isNews
        ? [
            {
              kind: 'drifted',
              reason: 'child-drifted',
              key: { namespace: 'a', name: 'shop' },
              uid: 'u1',
              childKind: 'Deployment',
            },
          ]
        : [],
    );
  });

  it('that was deleted is reported with its own uid and version', () => {
    observer.deleted(child({ resourceVersion: '9' }));
    expect(told()).toEqual([['drifted', 'child-drifted', 'u1.c1.9']]);
  });

  it('that disappeared, appeared or changed between two lists is reported', () => {
    list();
    list(child());
    list(child());
    list(child({ resourceVersion: '12' }, { spec: { replicas: 3 } }));
    expect(told().map(([, , id]) => id)).toEqual(['u1.c1.gone', 'u1.c1.5', 'u1.c1.12']);
  });

  it('that moves to another owner is reported to both owners', () => {
    observer.changed(child({ ownerReferences: [{ ...OWNER, name: 'other', uid: 'u2' }] }));
    expect(changes.map(({ key: { name }, uid }) => [name, uid])).toEqual([
      ['other', 'u2'],
      ['shop', 'u1'],
    ]);
  });

  it('of a deleted Website is not reported, because the garbage collector deletes it', () => {
    there.delete('a/shop');
    observer.changed(child({ deletionTimestamp: 'now' }));
    observer.deleted(child({ resourceVersion: '9' }));
    expect(told()).toEqual([]);
  });

  it('of a deleted Website is reported to the new Website of that name, which may be waiting for the name to be free', () => {
    observer.deleted(child({ resourceVersion: '9', ownerReferences: [{ ...OWNER, uid: 'u0' }] }));
    expect(told()).toHaveLength(1);
  });

  it.each([
    ['name', { name: 'x'.repeat(1_000_000) }],
    ['uid', { uid: 'x'.repeat(1_000_000) }],
    ['uid with a space', { uid: 'u1 u2' }],
  ])('whose owner has an impossible %s is ignored, and the forwarder keeps none of it', (_, wrong) => {
    const memory = rememberChild('Deployment', child({ ownerReferences: [{ ...OWNER, ...wrong }] }));
    expect(memory).toBeUndefined();
  });

  it('of another controller is not reported', () => {
    observer.changed(
      child({ name: 'other', ownerReferences: [{ ...OWNER, kind: 'ReplicaSet', apiVersion: 'apps/v1' }] }),
    );
    observer.changed(child({ name: 'other', ownerReferences: [{ ...OWNER, controller: false }] }));
    expect(told()).toEqual([]);
  });

  describe('with the name that a Website needs, but without our owner reference,', () => {
    const foreign = (metadata: Partial<ObjectMeta> = {}, rest: object = {}) =>
      child({ name: 'shop-deployment', uid: 'c9', ownerReferences: [], ...metadata }, rest);
    beforeEach(() => {
      observer.changed(foreign());
      told();
    });

    it.each<[string, () => void, string[]]>([
      ['is reported when it is deleted', () => observer.deleted(foreign({ resourceVersion: '9' })), ['u1.c9.9']],
      [
        'is reported when it gets our owner reference',
        () => observer.changed(foreign({ ownerReferences: [OWNER] })),
        ['u1.c9.5'],
      ],
      ['is reported when it is missing from a list', () => list(child()), ['u1.c9.gone']],
      [
        'is not reported when the number of its Pods changes',
        () => observer.changed(foreign({}, { status: { replicas: 7 } })),
        [],
      ],
    ])('%s', (_, happens, ids) => {
      happens();
      expect(told().map(([, , id]) => id)).toEqual(ids);
    });
  });

  it('that somebody gave our owner reference by hand is reported, although the forwarder did not know it', () => {
    const managedFields = [{ manager: 'website-reconciler' }, { manager: 'kubectl-patch' }];
    observer.changed(child({ name: 'shop-deployment', uid: 'c9', managedFields }));
    expect(told()).toEqual([['drifted', 'child-drifted', 'u1.c9.5']]);
  });

  it.each(KINDS)(
    'of kind $kind that is new is reported only if the kind is optional, because a late run may have created it',
    (of) => {
      observer = childObserver(of.kind, outlet, websites);
      list();
      observer.changed(child({ name: 'fresh', uid: 'c2' }));
      const news = [['drifted', 'child-drifted', 'u1.c2.5']];
      expect(told()).toEqual(of.presence === 'optional' ? news : []);
    },
  );
});
