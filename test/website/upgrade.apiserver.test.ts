// An upgrade on the real API server: the last release wrote the children, and this release reconciles.
import { afterAll, expect, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { kindOf } from '../../functions/website/children/kinds.ts';
import { OPTIONAL_CHILDREN } from '../../functions/website/children/metadata.ts';
import { SCOPES, readChildren } from '../../functions/website/run/scope.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { apiPath, type WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { PREVIOUS_SPECS, previousChildren } from '../fixtures/previous-release.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';
import { accounts } from '../accounts.ts';

const real = accounts();
const namespaces: string[] = [];

afterAll(async () => {
  for (const namespace of namespaces) await removeWebsitesIn(real.admin, namespace);
});

/** A Website with the children that the last release wrote. */
async function upgraded(file: string, spec: object): Promise<WebsiteKey> {
  const key = { namespace: await createNamespace(real.admin, 'upgrade'), name: 'shop' };
  namespaces.push(key.namespace);
  const { metadata } = await createWebsite(real.admin, key, spec);
  for (const child of previousChildren(file)) {
    const { apiVersion, plural } = kindOf(child.kind);
    const ownerReferences = child.metadata.ownerReferences.map((owner) => ({ ...owner, uid: metadata.uid }));
    const body = { ...child, metadata: { ...child.metadata, namespace: key.namespace, ownerReferences } };
    const path = `${apiPath(apiVersion)}/namespaces/${key.namespace}/${plural}`;
    await real.admin.json({ method: 'POST', path, what: `create ${plural}`, body });
  }
  return key;
}

const run = (key: WebsiteKey) => reconcile(key, { cluster: kubernetes(real.functions), now: () => new Date() });
const written = (actions: readonly string[]) => actions.filter((action) => action !== 'update status');
const deployment = (key: WebsiteKey) => kubernetes(real.admin).getChild('Deployment', key);
/** The generations of the children, which a write of a status does not change. */
const generationsOf = async (key: WebsiteKey) =>
  Object.values(await readChildren(key, kubernetes(real.admin), SCOPES.everything)).map(
    (child) => child?.metadata.generation,
  );

it.each(PREVIOUS_SPECS)('After an upgrade, no child of %s is written', async (file, spec) => {
  const key = await upgraded(file, { ...spec, disruptionBudget: 'None' });
  const before = await generationsOf(key);
  expect(written((await eventually(() => run(key))).actions)).toEqual([]);
  expect(await generationsOf(key)).toEqual(before);
});

it('After an upgrade, the default budget is created, and the Deployment gets its annotation and no new spec', async () => {
  const [file, spec] = PREVIOUS_SPECS[0] ?? ['', {}];
  const key = await upgraded(file, spec);
  const before = await deployment(key);
  const actions = await eventually(async () => {
    const result = await run(key);
    expect(result.outcome.kind).not.toBe('stalled');
    return written(result.actions);
  });
  expect(actions).toEqual(['replace Deployment', 'create PodDisruptionBudget']);
  const { metadata, spec: after } = (await deployment(key)) ?? {};
  expect(after).toEqual(before?.spec);
  expect(metadata?.annotations).toHaveProperty([OPTIONAL_CHILDREN], 'PodDisruptionBudget');
  expect(written((await eventually(() => run(key))).actions)).toEqual([]);
});
