// What users of kubectl see of Websites.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { API_VERSION, KIND, websiteSpec } from '../../functions/website/resource.ts';
import { EVERYTHING_ABOUT_PODS } from '../fixtures/pods.ts';
import { createNamespace } from '../real-cluster.ts';
import { quietly } from './kubectl.ts';

let transport: Transport;
let namespace: string;
beforeAll(async () => {
  transport = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(transport, 'kubectl');
});
afterAll(() => transport.close());

const kubectl = (args: readonly string[], input = '') =>
  quietly(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), '-n', namespace, ...args], input);

const SPEC = { image: 'nginx:1.29', replicas: 1 };
const HOST = { ...SPEC, host: 'shop.example.com' };
const SPECS: readonly (readonly [string, object])[] = [
  ['the required fields only', SPEC],
  ['a port', { ...SPEC, port: 8080 }],
  ['the default port', { ...SPEC, port: 80 }],
  ['a variable without a value', { ...SPEC, env: [{ name: 'A' }] }],
  ['an empty value', { ...SPEC, env: [{ name: 'A', value: '' }] }],
  ['variables with and without a value', { ...SPEC, env: [{ name: 'A', value: '1' }, { name: 'B' }] }],
  ['an empty list of variables', { ...SPEC, env: [] }],
  ['empty resources', { ...SPEC, resources: {} }],
  ['empty requests', { ...SPEC, resources: { requests: {}, limits: {} } }],
  ['amounts', { ...SPEC, resources: { requests: { cpu: '.5', memory: '1024Mi' }, limits: { cpu: 1, memory: '1e9' } } }],
  ['a host', HOST],
  ['a certificate', { ...HOST, tlsSecretName: 'tls' }],
  ['a class', { ...HOST, ingressClassName: 'nginx' }],
  ['a Gateway', { ...HOST, gateway: { name: 'public', namespace: 'infra' } }],
  [
    'several hosts and paths',
    { ...SPEC, hosts: ['a.example.com'], paths: [{ path: '/docs' }, { path: '/', type: 'Exact' }] },
  ],
  ['an issuer', { ...HOST, tls: { issuer: { name: 'letsencrypt' } } }],
  ['empty lists of hosts and paths', { ...HOST, hosts: [], paths: [] }],
  [
    'files',
    {
      ...SPEC,
      files: [
        { path: '/etc/site', configMap: { name: 'site' } },
        { path: '/etc/keys', secret: { name: 'keys', optional: true } },
        { path: '/pages', image: { reference: 'registry.example.com/pages:1' } },
        { path: '/tmp', emptyDir: {} },
      ],
    },
  ],
  ['everything about its Pods', EVERYTHING_ABOUT_PODS],
  [
    'empty fields about Pods',
    { ...SPEC, envFrom: [], command: [], args: [], imagePullSecrets: [], rollout: {}, placement: {} },
  ],
  ['the default of health', { ...SPEC, health: { path: '/' } }],
  ['no token', { ...SPEC, automountServiceAccountToken: false }],
  ['autoscaling', { image: 'nginx:1.29', autoscaling: { maxReplicas: 3 } }],
  ['autoscaling and replicas', { ...SPEC, autoscaling: { minReplicas: 1, maxReplicas: 3, memoryPercent: 70 } }],
  ['another autoscaler', { image: 'nginx:1.29', autoscaling: { external: true } }],
  [
    'labels and annotations of its children',
    { ...SPEC, childMetadata: { labels: { team: 'web', empty: '' }, annotations: { 'example.com/owner': 'a b' } } },
  ],
  ['an empty map of labels for its children', { ...SPEC, childMetadata: { labels: {} } }],
  ['suspension', { ...SPEC, suspend: true }],
  ['no disruption budget', { ...SPEC, replicas: 2, disruptionBudget: 'None' }],
  ['no suspension', { ...SPEC, suspend: false }],
  ['a profile', { ...SPEC, securityProfile: 'restricted' }],
];

it('The table above has every field of the spec', () => {
  const fields = new Set(SPECS.flatMap(([, spec]) => Object.keys(spec)));
  expect([...fields].toSorted()).toEqual(Object.keys(websiteSpec.shape).toSorted());
});

it.each(SPECS)('kubectl apply of a Website with %s reports it as created, and later as unchanged', async (_, spec) => {
  const name = `w${SPECS.findIndex(([, each]) => each === spec)}`;
  const manifest = JSON.stringify({ apiVersion: API_VERSION, kind: KIND, metadata: { name }, spec });
  const said: string[] = [];
  for (let times = 0; times < 3; times++)
    said.push((await kubectl(['apply', '-f', '-'], manifest)).trim().replace(/.* /, ''));
  expect(said).toEqual(['created', 'unchanged', 'unchanged']);
});

it('kubectl explain shows an example of half a core that the API server accepts', async () => {
  const text = await kubectl(['explain', 'website.spec.resources.requests.cpu']);
  expect(text).toContain('500m, 2, or "0.5" in quotes');
});

it('kubectl explain website.spec has at most 130 lines', async () => {
  const lines = (await kubectl(['explain', 'website.spec'])).split('\n');
  expect(lines.length).toBeGreaterThan(70);
  expect(lines.length).toBeLessThanOrEqual(130);
});
