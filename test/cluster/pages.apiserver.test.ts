// How lists of small and large objects are read in pages, on the real API server.
import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { pages } from '../../functions/cluster/pages.ts';
import { Places } from '../../functions/cluster/places.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { createNamespace, createWebsite, removeWebsite } from '../real-cluster.ts';

const MIB = 1024 * 1024;
/** The API server writes each of these characters as six bytes: a Website of 780 KB. */
const LARGE = Array.from({ length: 4 }, (_, index) => ({ name: `V${index}`, value: '<'.repeat(32_000) }));

let admin: Transport;
let namespace: string;
let asked: { limit: string | null; bytes: number | undefined }[];
let noting: Transport;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  noting = { ...admin, sized };
});
beforeEach(async () => {
  namespace = await createNamespace(admin, 'pages');
  asked = [];
});
afterAll(() => admin.close());

/** Records the limit of a request and the size of its answer, which stays undefined if the answer was cut off. */
async function sized(request: Parameters<Transport['sized']>[0]) {
  const noted = { limit: new URLSearchParams(request.path.split('?')[1]).get('limit'), bytes: undefined };
  asked.push(noted);
  const answer = await admin.sized(request);
  Object.assign(noted, { bytes: answer.bytes });
  return answer;
}

async function create(prefix: string, count: number, env: typeof LARGE): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(3, '0')}`);
  await Promise.all(
    names.map((name) => createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 0, env })),
  );
  return names;
}

async function listed(places = new Places(1)): Promise<string[]> {
  const path = `/apis/stable.example.com/v1/namespaces/${namespace}/websites`;
  const names: string[] = [];
  for await (const page of pages(noting, { path, query: {}, what: 'list websites' }, places))
    names.push(...(page as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name));
  return names;
}

it('A list of small objects starts with a page of 50 and continues with pages of 500', async () => {
  const names = await create('small', 120, []);
  expect(await listed()).toEqual(names);
  expect(asked.map(({ limit }) => limit)).toEqual(['50', '500']);
});

it('A list of large objects has small pages, and returns each object once', async () => {
  const names = [...(await create('a-small', 60, [])), ...(await create('b-large', 30, LARGE))];
  names.push(...(await create('c-small', 60, [])));
  expect(await listed()).toEqual(names);
  for (const { bytes } of asked) expect(bytes ?? 0).toBeLessThan(8 * MIB);
  // The first page with large objects was cut off, and requested again in smaller parts.
  expect(asked.filter(({ bytes }) => bytes === undefined).length).toBeLessThan(4);
  await Promise.all(names.map((name) => removeWebsite(admin, { namespace, name })));
});

it('Lists read at most as many pages at once as there are places', async () => {
  await create('small', 60, []);
  const places = new Places(2);
  const leave = [await places.take(), await places.take()];
  const lists = [listed(places), listed(places), listed(places)];
  expect(asked).toEqual([]);
  expect(places.waiting).toBe(3);
  for (const each of leave) each();
  for (const names of await Promise.all(lists)) expect(names).toHaveLength(60);
  expect(places.waiting).toBe(0);
});
