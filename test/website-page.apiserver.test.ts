// The real API server accepts every example on docs/website.md, and answers every mistake as the page says.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { kubernetes } from '../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../functions/cluster/transport.ts';
import { reconcile } from '../functions/website/reconcile.ts';
import { API_VERSION, KIND, PLURAL } from '../functions/website/resource.ts';
import { eventually } from './eventually.ts';
import { run } from './kubernetes/kubectl.ts';
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

it('The test finds the examples and mistakes of the page', () => {
  expect(EXAMPLES.length).toBeGreaterThan(10);
  expect(MISTAKES.length).toBeGreaterThan(20);
});

it.each(EXAMPLES)('The API server accepts this example: %s', async (yaml) => {
  await expect(dryRun(parse(yaml) as object)).resolves.toMatchObject({ kind: KIND });
});

it.each(MISTAKES)('The API server answers this mistake as the page says: %s', async (yaml, answer) => {
  const spec = { image: 'nginx:1.29', replicas: 2, ...(parse(yaml) as object) };
  const website = { apiVersion: API_VERSION, kind: KIND, metadata: { name: 'shop' }, spec };
  await expect(dryRun(website)).rejects.toThrow(answer);
});

const kubectl = async (args: readonly string[], input = '') => {
  const global = ['--kubeconfig', inject('kubeconfig'), '-n', namespace];
  const { stdout, stderr } = await run(inject('kubectl'), [...global, ...args], input);
  return lines(stdout + stderr);
};

/** The lines of a table, or of a message, without ages and the widths of columns. */
const lines = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.replace(/ \d\w*$/, '').replace(/ +/g, ' '));

/** The first example at the top of the page, with its output. */
const [, SMALLEST = '', TABLE = '', REFUSAL = ''] =
  /^```yaml\n(.*?)^```\n\n```console\n\$ kubectl get web\n(.*?)^```.*?^```console\n\$ kubectl apply -f shop\.yaml\n(.*?)^```/ms.exec(
    PAGE,
  ) ?? [];

it('kubectl prints the same for the smallest Website as the page shows', async () => {
  await kubectl(['apply', '-f', '-'], SMALLEST);
  const context = { cluster: kubernetes(transport), now: () => new Date() };
  await eventually(async () => {
    await reconcile({ namespace, name: 'shop' }, context);
    expect(await kubectl(['get', 'web'])).toEqual(lines(TABLE));
  });
  const refused = await kubectl(['apply', '-f', '-'], SMALLEST.replace('nginx', 'Nginx'));
  expect(refused).toEqual(lines(REFUSAL));
});
