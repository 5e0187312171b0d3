// spec.childMetadata on the real API server: labels and annotations are added, changed and removed, beside those of other writers.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { childrenIn, kindOf, type Child } from '../../../functions/website/children/kinds.ts';
import { selectorOf } from '../../../functions/website/children/metadata.ts';
import { SCOPES, readChildren } from '../../../functions/website/run/scope.ts';
import { nothingDone, reconcile } from '../../../functions/website/reconcile.ts';
import { apiPath, type Website, type WebsiteKey } from '../../../functions/website/resource.ts';
import { accounts } from '../../accounts.ts';
import { eventually } from '../../eventually.ts';
import {
  createNamespace,
  createWebsite,
  patch,
  remove,
  removeWebsitesIn,
  replaceWebsiteSpec,
} from '../../real-cluster.ts';
import type { Spec } from '../generated.ts';
import { expectChildren } from '../oracle.ts';

/** A spec with four kinds of children. */
const SPEC = { image: 'nginx:1', replicas: 2, host: 'shop.example.com' };
const STATED = { labels: { team: 'web', tier: '' }, annotations: { 'example.com/owner': 'a b' } };
const THEIRS = { labels: { 'their-label': 'x' }, annotations: { 'their/note': 'y' } };

const real = accounts();
let namespace: string;
let names = 0;

beforeAll(async () => {
  namespace = await createNamespace(real.admin, 'metadata');
});
afterAll(() => removeWebsitesIn(real.admin, namespace));

const admin = () => kubernetes(real.admin);
const all = (key: WebsiteKey) => readChildren(key, admin(), SCOPES.everything);
/** Repeats the run until it loses no race against the controllers. @returns the writes of all attempts. */
async function run(key: WebsiteKey): Promise<string[]> {
  const done = nothingDone();
  const context = { cluster: kubernetes(real.functions), now: () => new Date() };
  const { outcome } = await eventually(() => reconcile(key, context, {}, done));
  expect(outcome.kind).not.toBe('stalled');
  return done.actions.filter((action) => action !== 'update status');
}

const pathOf = ({ apiVersion, kind, metadata }: Child): string =>
  `${apiPath(apiVersion)}/namespaces/${metadata.namespace}/${kindOf(kind).plural}/${metadata.name}`;

/** Gives a Website this spec. Its children must match the oracle, without a second write. */
async function follow(key: WebsiteKey, spec: Spec): Promise<void> {
  await replaceWebsiteSpec(real.admin, key, spec);
  await run(key);
  expectChildren(spec, (await admin().getWebsite(key)) as Website, await all(key));
  expect(await run(key)).toEqual([]);
}

async function created(spec: Spec): Promise<WebsiteKey> {
  const key = { namespace, name: `site-${++names}` };
  await createWebsite(real.admin, key, spec);
  await follow(key, spec);
  return key;
}

it('Labels and annotations of the spec are added to the children, changed and removed', async () => {
  const key = await created(SPEC);
  await follow(key, { ...SPEC, childMetadata: STATED });
  await follow(key, { ...SPEC, childMetadata: { labels: { team: 'sales', tier: 'x' }, annotations: { note: '1' } } });
  await follow(key, { ...SPEC, childMetadata: { annotations: { note: '1' } } });
  await follow(key, SPEC);
  await follow(key, { ...SPEC, childMetadata: STATED });
  expect((await all(key)).Service?.metadata).toMatchObject(STATED);
});

it('The Pods have the labels and annotations of the spec', async () => {
  const key = await created({ ...SPEC, childMetadata: STATED });
  const website = (await admin().getWebsite(key)) as Website;
  const selector = Object.entries({ ...selectorOf(website), ...STATED.labels }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector.join(','))}`;
  await eventually(async () => {
    const { items } = (await real.admin.json({ method: 'GET', path, what: 'list pods' })) as {
      items: { metadata: { annotations?: object } }[];
    };
    expect(items).toHaveLength(2);
    for (const { metadata } of items) expect(metadata.annotations).toMatchObject(STATED.annotations);
  });
});

it('Labels and annotations of others stay, and changed ones of the spec are restored', async () => {
  const key = await created({ ...SPEC, childMetadata: STATED });
  const edits = {
    labels: { ...THEIRS.labels, team: 'theirs' },
    annotations: { ...THEIRS.annotations, 'example.com/owner': 'z' },
  };
  for (const child of childrenIn(await all(key))) {
    const template = child.kind === 'Deployment' ? { spec: { template: { metadata: edits } } } : {};
    await patch(real.admin, pathOf(child), { metadata: edits, ...template });
  }
  expect((await run(key)).toSorted()).toEqual(
    ['Deployment', 'Ingress', 'PodDisruptionBudget', 'Service'].map((kind) => `replace ${kind}`),
  );
  const expectEverywhere = async ({ labels, annotations }: typeof THEIRS) => {
    const children = await all(key);
    const places = [
      ...childrenIn(children).map(({ metadata }) => metadata),
      children.Deployment?.spec.template.metadata,
    ];
    expect(places).toHaveLength(5);
    for (const place of places) expect(place).toMatchObject({ labels, annotations });
    return places;
  };
  await expectEverywhere({
    labels: { ...THEIRS.labels, ...STATED.labels },
    annotations: { ...THEIRS.annotations, ...STATED.annotations },
  });
  await replaceWebsiteSpec(real.admin, key, SPEC);
  await run(key);
  for (const place of await expectEverywhere(THEIRS)) {
    expect(place?.labels).not.toHaveProperty('team');
    expect(place?.annotations).not.toHaveProperty(['example.com/owner']);
  }
});

it('A recreated child gets the labels and annotations of the spec again', async () => {
  const spec = { ...SPEC, childMetadata: STATED };
  const key = await created(spec);
  for (const child of childrenIn(await all(key))) {
    await remove(real.admin, pathOf(child));
    await eventually(async () => {
      await run(key);
      const found = (await all(key))[child.kind];
      expect(found?.metadata.uid).not.toBe(child.metadata.uid);
      expect(found?.metadata).toMatchObject(STATED);
    });
    await follow(key, spec);
  }
});
