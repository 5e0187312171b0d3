// How Argo CD shows the statuses that the functions write.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LuaFactory, type LuaEngine } from 'wasmoon';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { MemoryCluster } from '../cluster/memory.ts';
import { NOW, SPEC } from '../fixtures/websites.ts';

const SCRIPT = readFileSync('infra/argocd/health.lua', 'utf8');
const key = { namespace: 'team-a', name: 'shop' };

let lua: LuaEngine;
beforeAll(async () => {
  lua = await new LuaFactory().createEngine();
});
afterAll(() => lua.global.close());

/** A JSON value in the form in which Argo CD passes it to the script. */
function luaText(value: unknown): string {
  if (value === undefined || value === null) return 'nil';
  if (Array.isArray(value)) return `{${value.map(luaText).join(', ')}}`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, part]) => part !== undefined && part !== null);
  return `{${fields.map(([name, part]) => `[${JSON.stringify(name)}] = ${luaText(part)}`).join(', ')}}`;
}

const healthOf = (website: unknown): Promise<{ status: string; message: string }> =>
  lua.doString(`local obj = ${luaText(website)}\n${SCRIPT}`) as Promise<{ status: string; message: string }>;

const handle = (cluster: MemoryCluster) => reconcile(key, { cluster, now: () => NOW });
async function after(prepare: (cluster: MemoryCluster) => Promise<void>) {
  const cluster = new MemoryCluster();
  cluster.apply(key, SPEC);
  await prepare(cluster);
  return healthOf(cluster.websites()[0]);
}
const settled = async (cluster: MemoryCluster) => {
  await handle(cluster);
  cluster.rollOut();
  await handle(cluster);
};

it('Argo CD shows Progressing before the functions have seen the Website, and during a rollout', async () => {
  expect(await after(async () => {})).toMatchObject({
    status: 'Progressing',
    message: expect.stringMatching(/Waiting for the functions/) as string,
  });
  const rollsOut = await after(async (cluster) => void (await handle(cluster)));
  expect(rollsOut).toMatchObject({
    status: 'Progressing',
    message: 'Progressing: Waiting for the Deployment controller',
  });
});

it('Argo CD shows Healthy for a site as declared, and Progressing after a change of its spec', async () => {
  expect(await after(settled)).toEqual({ status: 'Healthy', message: 'Available: 2 replicas are available' });
  const changed = await after(async (cluster) => {
    await settled(cluster);
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
  });
  expect(changed).toMatchObject({ status: 'Progressing' });
});

it('Argo CD shows Degraded with the reason and the message if the spec is invalid', async () => {
  const invalid = await after(async (cluster) => {
    cluster.apply(key, { ...SPEC, replicas: -1 });
    await handle(cluster);
  });
  expect(invalid).toMatchObject({
    status: 'Degraded',
    message: expect.stringMatching(/^InvalidSpec: spec.replicas/) as string,
  });
});

it('Argo CD shows Suspended for a suspended Website, even if its children differ from the spec', async () => {
  const suspended = async (cluster: MemoryCluster) => {
    await settled(cluster);
    cluster.apply(key, { ...SPEC, suspend: true });
    await handle(cluster);
  };
  expect(await after(suspended)).toMatchObject({ status: 'Suspended' });
  const differing = await after(async (cluster) => {
    await suspended(cluster);
    const deployment = (await cluster.getChild('Deployment', key)) as Deployment;
    cluster.edit(deployment, { spec: { ...deployment.spec, replicas: 7 } });
    await handle(cluster);
  });
  expect(differing).toMatchObject({ status: 'Suspended' });
});

it('Argo CD shows Progressing while the Website is being deleted', async () => {
  const leaving = {
    metadata: { generation: 1, deletionTimestamp: '2026-01-02T03:04:05Z' },
    status: { observedGeneration: 1 },
  };
  expect(await healthOf(leaving)).toMatchObject({ status: 'Progressing', message: 'The Website is being deleted' });
});
