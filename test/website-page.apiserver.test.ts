// The real API server takes every example on docs/website.md, and answers every mistake as the page says.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { connect, type Transport } from '../functions/cluster/transport.ts';
import { API_VERSION, KIND, PLURAL } from '../functions/website/resource.ts';
import { createNamespace } from './real-cluster.ts';
import { mistakesOn, PAGE, websitesOn } from './website-page.ts';

let transport: Transport;
let namespace: string;
beforeAll(async () => {
  transport = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(transport, 'page');
});
afterAll(() => transport.close());

const dryRun = (website: object) =>
  transport.json({
    method: 'POST',
    path: `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}?dryRun=All&fieldValidation=Strict`,
    what: 'try a Website',
    body: website,
  });

const EXAMPLES = websitesOn(PAGE).map((yaml) => [yaml] as const);
const MISTAKES = mistakesOn(PAGE);

it('The page has examples and mistakes', () => {
  expect(EXAMPLES.length).toBeGreaterThan(10);
  expect(MISTAKES.length).toBeGreaterThan(20);
});

it.each(EXAMPLES)('The API server takes this example: %s', async (yaml) => {
  await expect(dryRun(parse(yaml) as object)).resolves.toMatchObject({ kind: KIND });
});

it.each(MISTAKES)('The API server answers %s as the page says', async (yaml, answer) => {
  const spec = { image: 'nginx:1.29', replicas: 2, ...(parse(yaml) as object) };
  const website = { apiVersion: API_VERSION, kind: KIND, metadata: { name: 'shop' }, spec };
  await expect(dryRun(website)).rejects.toThrow(answer);
});
