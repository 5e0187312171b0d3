// The children of typical Websites as readable YAML (test/fixtures/children), which the API server accepts.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { stringify } from 'yaml';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { desired } from '../../../functions/website/plan/desired.ts';
import { apiPath, websiteSpec } from '../../../functions/website/resource.ts';
import { aWebsite } from '../../fixtures/websites.ts';
import { EVERYTHING_ABOUT_PODS } from '../../fixtures/pods.ts';
import { createNamespace } from '../../real-cluster.ts';
import { CHILD_KINDS, kindOf, type Child } from '../../../functions/website/children/kinds.ts';
import type { Desired } from '../../../functions/website/children/kind.ts';

let transport: Transport;
let namespace: string;

beforeAll(async () => {
  transport = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(transport, 'children');
});
afterAll(() => transport.close());

const SPEC = { image: 'nginx:1.29', replicas: 3, disruptionBudget: 'None' };

it.each<[string, object]>([
  ['minimal', SPEC],
  ['parked', { ...SPEC, replicas: 0 }],
  ['host', { ...SPEC, host: 'shop.example.com' }],
  ['tls', { ...SPEC, host: 'shop.example.com', tlsSecretName: 'shop-tls', ingressClassName: 'nginx' }],
  [
    'hosts-and-paths',
    {
      ...SPEC,
      host: 'shop.example.com',
      hosts: ['www.example.com', 'shop.example.com', '*.shop.example.com'],
      paths: [{ path: '/shop' }, { path: '/%C3%BC/.well-known/it+s=(a)', type: 'Exact' }],
      tls: { secretName: 'shop-tls' },
    },
  ],
  ['issuer', { ...SPEC, hosts: ['shop.example.com'], tls: { issuer: { name: 'letsencrypt', kind: 'ClusterIssuer' } } }],
  ['wildcard', { ...SPEC, host: '*.example.com' }],
  ['gateway', { ...SPEC, host: 'shop.example.com', gateway: { name: 'public' } }],
  [
    'gateway-hosts-and-paths',
    {
      ...SPEC,
      hosts: ['shop.example.com', '*.shop.example.com'],
      paths: [{ path: '/shop' }, { path: '/%C3%BC/.well-known/it+s=(a)', type: 'Exact' }],
      gateway: { name: 'public', namespace: 'infra', sectionName: 'https' },
      tls: { secretName: 'shop-tls' },
    },
  ],
  [
    'env-and-resources',
    {
      ...SPEC,
      port: 8080,
      env: [{ name: 'GREETING', value: 'hello: "you"\n- all' }, { name: 'EMPTY' }],
      resources: { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: 1, memory: '1Gi' } },
    },
  ],
  ['disruption-budget', { ...SPEC, disruptionBudget: 'Auto' }],
  [
    'files',
    {
      ...SPEC,
      securityProfile: 'restricted',
      files: [
        { path: '/usr/share/nginx/html', image: { reference: 'registry.example.com/team/pages:1' } },
        { path: '/etc/nginx/conf.d', configMap: { name: 'nginx', optional: true } },
        { path: '/etc/keys', secret: { name: 'keys' } },
        { path: '/var/cache/nginx', emptyDir: {} },
        { path: '/tmp', emptyDir: { sizeLimit: '64Mi', medium: 'Memory' } },
      ],
    },
  ],
  ['autoscaled', { ...SPEC, autoscaling: { minReplicas: 2, maxReplicas: 5 } }],
  [
    'autoscaled-and-parked',
    { ...SPEC, replicas: 0, autoscaling: { maxReplicas: 5, cpuPercent: 60, memoryPercent: 90 } },
  ],
  [
    'child-metadata',
    {
      ...SPEC,
      host: 'shop.example.com',
      disruptionBudget: 'Auto',
      childMetadata: {
        labels: { team: 'web', 'example.com/cost-centre': '4711' },
        annotations: { 'example.com/runbook': 'https://wiki.example.com/shop' },
      },
    },
  ],
  ['restricted', { ...SPEC, port: 8080, securityProfile: 'restricted' }],
  ['everything-about-pods', EVERYTHING_ABOUT_PODS],
])('%s', async (name, spec) => {
  const wanted = desired(aWebsite({ spec }), websiteSpec.parse(spec));
  const children = CHILD_KINDS.flatMap((kind): Desired<Child>[] => (wanted[kind] === undefined ? [] : [wanted[kind]]));
  const text = children.map((child) => stringify(child, { aliasDuplicateObjects: false })).join('---\n');
  await expect(text).toMatchFileSnapshot(`../../fixtures/children/${name}.yaml`);
  for (const child of children) {
    const { apiVersion, plural } = kindOf(child.kind);
    const path = `${apiPath(apiVersion)}/namespaces/${namespace}/${plural}?dryRun=All&fieldValidation=Strict`;
    const body = { ...child, metadata: { ...child.metadata, namespace } };
    await expect(transport.json({ method: 'POST', path, what: `create ${plural}`, body })).resolves.toBeDefined();
  }
});
