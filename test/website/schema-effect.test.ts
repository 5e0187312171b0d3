// Every field of the schema changes a child or the status. Otherwise the API server accepts a field that the functions ignore.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { reconcile } from '../../functions/website/reconcile.ts';
import { GROUP, PLURAL } from '../../functions/website/resource.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW } from '../fixtures/websites.ts';
import { sampled } from '../sampling.ts';
import { FIELDS, type Change } from './fields.ts';
import { anySpec, keepsRules, type Spec } from './generated.ts';
import { masked } from './world.ts';

const key = { namespace: 'team-a', name: 'shop' };

/** Gives one Website these specs in turn, and reconciles it after each. */
async function follow(...specs: readonly Spec[]): Promise<MemoryCluster> {
  const cluster = new MemoryCluster();
  for (const spec of specs) {
    cluster.apply(key, spec);
    await reconcile(key, { cluster, now: () => NOW });
    cluster.rollOut();
    await reconcile(key, { cluster, now: () => NOW });
  }
  return cluster;
}

function childrenIn(cluster: MemoryCluster): unknown {
  const children = cluster.children().map(({ metadata, ...rest }) => {
    return { ...rest, metadata: { ...metadata, annotations: withoutOurs(metadata.annotations) } };
  });
  return masked(children);
}

/** The functions' own annotations repeat parts of the spec. That alone is no effect. */
const withoutOurs = (annotations: Readonly<Record<string, string>> = {}) =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => !name.startsWith(`${PLURAL}.${GROUP}/`)));

const statusIn = (cluster: MemoryCluster): unknown =>
  masked(
    cluster
      .websites()
      .map(({ kind, metadata: { namespace, name }, status }) => ({ kind, metadata: { namespace, name }, status })),
  );

/** The functions keep the children of a suspended Website unchanged. This field shows in the status, and the others are tested without it. */
const SUSPEND = 'spec.suspend';

/** Fields that only matter together with a value of another field. */
const NEEDS: Readonly<Record<string, Spec>> = {
  'spec.disruptionBudget': { replicas: 2, autoscaling: undefined },
  // With a Gateway, its listener has the certificate, and the field only shows in the URL (gateway.test.ts).
  'spec.tls.secretName': { gateway: undefined },
  'spec.tlsSecretName': { gateway: undefined },
  // With autoscaling, it is only the first number of replicas.
  'spec.replicas': { autoscaling: undefined },
};

/** It has one value, so it does not change alone. The test at the end shows its effect. */
const EXTERNAL = 'spec.autoscaling.external';

/** Fields whose default depends on other fields, so that leaving them out may mean the same. */
const HAS_OWN_DEFAULT: ReadonlySet<string> = new Set([
  'spec.files[].image.pullPolicy',
  'spec.autoscaling.minReplicas',
  'spec.autoscaling.cpuPercent',
]);

/** Fields with values that mean the same, and a function that is equal for such values. */
const SAME: Readonly<Record<string, (spec: Spec) => unknown>> = {
  // It comes before `hosts`, and each host counts once.
  'spec.host': ({ host, hosts = [] }) => [...new Set([host, ...(hosts as unknown[])])].filter(Boolean).join(),
  // The startup probe asks every 2 s.
  'spec.health.startupSeconds': ({ health }) => Math.ceil(Number((health as Spec)['startupSeconds'] ?? 60) / 2),
};

/** Whether both specs state the field equally often. */
function areBothStated(path: string, specs: Change<Spec>): boolean {
  const name = `"${path.slice(path.lastIndexOf('.') + 1)}":`;
  const [before, after] = specs.map((spec) => JSON.stringify(spec).split(name).length);
  return before === after;
}

const active =
  (path: string) =>
  ([before, after]: Change<Spec>): Change<Spec> => [
    { ...before, ...NEEDS[path], suspend: false },
    { ...after, ...NEEDS[path], suspend: false },
  ];

it.each(FIELDS.filter(({ path }) => path !== EXTERNAL))('$path has an effect', async ({ path, change }) => {
  const valid = change.map(active(path)).filter((pair) => pair.every(keepsRules));
  const [specs, effectIn] = path === SUSPEND ? [change, statusIn] : [valid, childrenIn];
  const stated = HAS_OWN_DEFAULT.has(path) ? specs.filter((each) => areBothStated(path, each)) : specs;
  const same = SAME[path] ?? (() => undefined);
  const changes = path in SAME ? stated.filter(([before, after]) => same(before) !== same(after)) : stated;
  await fc.assert(
    fc.asyncProperty(changes, async ([before, after]) => {
      const worlds = await Promise.all([follow(before), follow(after), follow(before, after)]);
      const [old, created, updated] = worlds.map(effectIn);
      expect(isDeepStrictEqual(created, old), `${path} has no effect on a new Website`).toBe(false);
      expect(isDeepStrictEqual(updated, old), `A change of ${path} has no effect`).toBe(false);
    }),
    sampled({ sometimes: 5, often: 25 }),
  );
});

it('The test covers nested fields', () => {
  expect(FIELDS.map(({ path }) => path)).toEqual(
    expect.arrayContaining([SUSPEND, 'spec.image', 'spec.env[].value', 'spec.resources.limits.memory']),
  );
});

it('A field outside the schema has no effect, so the test above would detect an ignored field', async () => {
  await fc.assert(
    fc.asyncProperty(anySpec, async (spec) => {
      const ignored = { ...spec, notInTheSchema: true };
      const [old, ...others] = await Promise.all([follow(spec), follow(ignored), follow(spec, ignored)]);
      for (const other of others) {
        expect(childrenIn(other)).toEqual(childrenIn(old));
        expect(statusIn(other)).toEqual(statusIn(old));
      }
    }),
  );
});

it(`${EXTERNAL} has an effect: the Website keeps the number of Pods that its Deployment had`, async () => {
  const before = { image: 'nginx:1', replicas: 3 };
  const [website] = (await follow(before, { image: 'nginx:1', autoscaling: { external: true } })).websites();
  expect(website?.spec).toMatchObject({ replicas: 3 });
});
