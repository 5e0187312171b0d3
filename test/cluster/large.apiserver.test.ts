// Single large objects on the real API server.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type ApiRequest, type Transport } from '../../functions/cluster/transport.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { createNamespace, createWebsite, removeWebsite } from '../real-cluster.ts';
import { RUNS } from '../fixtures/runs.ts';

const KIB = 1024;
/** The API server writes each of these characters as six bytes: a Website of 580 KB. */
const LARGE = Array.from({ length: 3 }, (_, index) => ({ name: `V${index}`, value: '<'.repeat(32_000) }));

let admin: Transport;
let cluster: Cluster;
let namespace: string;
let running = 0;
let most = 0;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'large');
  cluster = kubernetes({ ...admin, json: noting });
});
afterAll(() => admin.close());

/** Counts the requests in flight whose answer may be large or whose body is large. */
async function noting(request: ApiRequest): Promise<unknown> {
  const isLarge = request.body === undefined ? request.largest === undefined : sizeOf(request) > 256 * KIB;
  if (isLarge) most = Math.max(most, ++running);
  try {
    return await admin.json(request);
  } finally {
    if (isLarge) running--;
  }
}
const sizeOf = ({ body }: ApiRequest): number => JSON.stringify(body).length;

it('The functions read or write at most two large objects at once, besides any number of small ones', async () => {
  const names = Array.from({ length: 8 }, (_, index) => `site-${index}`);
  for (const [index, name] of names.entries())
    await createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 0, env: index < 6 ? LARGE : [] });
  const context = { cluster, now: () => new Date() };
  for (const _ of ['to create', 'to look again'])
    await Promise.all(names.map((name) => reconcile({ namespace, name }, context, RUNS.everything)));
  expect(most).toBe(2);
  for (const name of names) expect(await cluster.getChild('Deployment', { namespace, name })).toBeDefined();
  await Promise.all(names.map((name) => removeWebsite(admin, { namespace, name })));
});
