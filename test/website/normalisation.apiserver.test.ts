// The API server rewrites some values. For every value that the CRD admits, the functions see the rewritten value as the same.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { isSameAmount } from '../../functions/website/children/deployment/quantity.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { eventually } from '../eventually.ts';
import { aWebsite } from '../fixtures/websites.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { desiredChild } from '../fixtures/children.ts';
import { accounts } from '../accounts.ts';

const real = accounts();
let namespace: string;
let names = 0;

beforeAll(async () => {
  namespace = await createNamespace(real.admin, 'normal');
});
afterAll(() => removeWebsitesIn(real.admin, namespace));

/** No Pods, because these tests only look at the children. */
const SPEC = { image: 'nginx:1', replicas: 0 };
const HOST = { ...SPEC, host: 'a.example.com' };

const SIGNED = '.5 .0625 +.5 +1 +0.5Gi';
const FINE = '0 00 0m 0.0 007 1. 1.0000 1.5 1000m 1001m 0.0625 0.3333 62.5m 0.0005 1n 999999n 35714286n 250100u 1u';
const EXPONENTS = '1e-3 1E-3 1e-10 1e-99 1e3 1E3 1E 0.0000000001 129e6 1e19 1e20 1e99';
const LARGE = '1Ki 1.1Ki 0.0001Ki 1.5Gi 1536Mi 123Mi 128974848 129M 7Ei 7.9999999999999999999Ei 8Ei 16Ei 100E';
const LARGEST = '9223372036854775807 9223372036854775808';
const NUMBERS = [0, 1, 64, Number.MAX_SAFE_INTEGER];
const AMOUNTS = [...[SIGNED, FINE, EXPONENTS, LARGE, LARGEST].flatMap((texts) => texts.split(' ')), ...NUMBERS];

const envOf = (...values: readonly string[]) => ({
  ...SPEC,
  env: values.map((value, at) => ({ name: `V${at}`, value })),
});

const SPECS: readonly (readonly [string, object])[] = [
  // The API server rewrites each field without regard to the other, so one Website shows both.
  ...AMOUNTS.map((amount): [string, object] => [
    `a cpu and a memory limit of ${JSON.stringify(amount)}`,
    { ...SPEC, resources: { requests: { cpu: amount }, limits: { memory: amount } } },
  ]),
  ['amounts with fractions', { ...SPEC, resources: { limits: { cpu: '0.0625', memory: '1.5Gi' } } }],
  ['empty resources', { ...SPEC, resources: { requests: {}, limits: {} } }],
  ['an empty list of variables', { ...SPEC, env: [] }],
  ['references in variables', envOf('$(V1)', '$$(V0)', '$(NONE)')],
  ['line ends in variables', envOf('a\r\nb', '\n', '\r', '\t', ' ', '')],
  ['other letters in variables', envOf('\u00e9\u{1f600}', 'e\u0301', '\u2028', '\u0000', '\ufeff', 'null', '{}')],
  ['a long variable', envOf('x'.repeat(32_768))],
  ['names of variables', { ...SPEC, env: ['a', '_', '-', 'A.b-c', '.a', 'a'.repeat(253)].map((name) => ({ name })) }],
  ['a name without a tag', { ...SPEC, image: 'nginx' }],
  ['the tag latest', { ...SPEC, image: 'nginx:latest' }],
  ['a registry with a port', { ...SPEC, image: 'localhost:5000/a' }],
  ['a registry with a port and a tag', { ...SPEC, image: 'REGISTRY.example.com:443/a/b__c/d-e:V1.0_x' }],
  ['a digest', { ...SPEC, image: `nginx@sha256:${'a'.repeat(64)}` }],
  ['a tag and a digest', { ...SPEC, image: `docker.io/library/nginx:latest@sha256:${'A'.repeat(64)}` }],
  ['a long image', { ...SPEC, image: `${'a'.repeat(255)}/${'b'.repeat(256)}` }],
  ['the first port', { ...SPEC, port: 1 }],
  ['the last port', { ...SPEC, port: 65_535 }],
  ['a host of one letter', { ...HOST, host: 'a' }],
  ['a wildcard', { ...HOST, host: '*.example.com' }],
  ['a wildcard of a top level', { ...HOST, host: '*.com' }],
  ['a host in puny code', { ...HOST, host: 'xn--bcher-kva.example.com' }],
  ['a host with two hyphens', { ...HOST, host: 'a--b.0.example' }],
  ['a long host', { ...HOST, host: Array.from({ length: 4 }, () => 'a'.repeat(62)).join('.') }],
  ['a certificate', { ...HOST, tlsSecretName: 'a.b-c.0' }],
  ['a class', { ...HOST, ingressClassName: 'a.b-c.0' }],
  ['a certificate for a wildcard', { ...HOST, host: '*.example.com', tlsSecretName: 'x', ingressClassName: 'y' }],
  ['a Gateway', { ...HOST, gateway: { name: 'a.b-c.0' } }],
  ['a listener', { ...HOST, gateway: { name: 'a', namespace: 'b', sectionName: 'c.d' }, paths: [{ path: '/%c3' }] }],
  ['the restricted profile', { ...SPEC, securityProfile: 'restricted' }],
];

describe('The second reconcile writes no child of a Website with', () => {
  it.concurrent.each(SPECS)('%s', async (_, spec) => {
    const key = { namespace, name: `site-${++names}` };
    await createWebsite(real.admin, key, spec);
    const run = () => reconcile(key, { cluster: kubernetes(real.functions), now: () => new Date() });
    expect((await run()).actions).toEqual(expect.arrayContaining(['create Deployment', 'create Service']));
    const { actions } = await eventually(run);
    expect(actions.filter((action) => action !== 'update status')).toEqual([]);
    const ready = (await kubernetes(real.admin).getWebsite(key))?.status?.conditions?.[0];
    expect(ready?.reason).toMatch(/^(Progressing|Parked|NotRouted)$/);
  });

  it.each(['a', 'a'.repeat(52), 'a-0'])('the name %s', async (name) => {
    const key = { namespace, name };
    await createWebsite(real.admin, key, HOST);
    const run = () => reconcile(key, { cluster: kubernetes(real.functions), now: () => new Date() });
    await run();
    expect((await eventually(run)).actions.filter((action) => action !== 'update status')).toEqual([]);
  });
});

it('Our comparison of amounts agrees with the API server for every form of an amount', async () => {
  const pattern = /^\+?([0-9]{1,12}(\.[0-9]{0,12})?|\.[0-9]{1,12})([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$/;
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`;
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(pattern), fc.stringMatching(pattern), async (cpu, memory) => {
      const website = aWebsite({ metadata: { namespace } });
      const deployment = desiredChild('Deployment', website, { ...SPEC, resources: { limits: { cpu, memory } } });
      const what = 'create deployments';
      const stored = (await real.admin.json({ method: 'POST', path, what, body: deployment })) as Deployment;
      const limits = stored.spec.template.spec?.containers[0]?.resources?.limits ?? {};
      expect([limits, isSameAmount(cpu, String(limits['cpu']))]).toEqual([limits, true]);
      expect([limits, isSameAmount(memory, String(limits['memory']))]).toEqual([limits, true]);
    }),
    { numRuns: 150, endOnFailure: true },
  );
});
