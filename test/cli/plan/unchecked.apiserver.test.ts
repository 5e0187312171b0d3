// What a real API server answers to dry runs while an admission webhook cannot be called.
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { withDryRuns } from '../../../functions/cluster/dry-run.ts';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { planManifests, planName, type Target } from '../../../infra/cli/plan/plan.ts';
import { eventually } from '../../eventually.ts';
import { createNamespace, createWebsite, remove, removeWebsitesIn } from '../../real-cluster.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const spec = { image: 'nginx:1', replicas: 2 };

let admin: Transport;
let namespace: string;
let target: Target;
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'plan-unchecked');
  const server = kubernetes(withDryRuns(admin));
  target = { cluster: kubernetes(admin), transport: admin, now: () => new Date(), server };
  await createWebsite(admin, { namespace, name: 'shop' }, spec);
  await admin.json({
    method: 'POST',
    path: PATH,
    what: 'create webhooks',
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: namespace },
      webhooks: ['deployments', 'websites'].map(webhook),
    },
  });
});
afterAll(async () => {
  await remove(admin, `${PATH}/${namespace}`);
  await removeWebsitesIn(admin, namespace);
  await admin.close();
});

/** Nothing listens at its address. */
const webhook = (resource: string) => ({
  name: `${resource}.example.com`,
  clientConfig: { url: 'https://127.0.0.1:1/' },
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: [resource] }],
  admissionReviewVersions: ['v1'],
  sideEffects: 'None',
  failurePolicy: 'Fail',
  timeoutSeconds: 1,
});

const saysOf = (resource: string) => ({
  code: 'InternalError',
  why: expect.stringContaining(`failed calling webhook "${resource}.example.com"`) as string,
});

it('A child whose webhook cannot be called is listed, as is a manifest, and the others are planned', async () => {
  // The API server calls a webhook only once it has read its configuration.
  await eventually(async () => {
    const { unchecked, changes } = await planName({ namespace, name: 'shop' }, target);
    expect(unchecked).toMatchObject([{ kind: 'Deployment', ...saysOf('deployments') }]);
    expect(changes.map(({ kind }) => kind)).toContain('PodDisruptionBudget');
  });
  const key = { namespace, name: 'fresh' };
  const [plan] = await planManifests([{ where: 'a file', key, metadata: {}, spec }], target);
  expect(plan?.unchecked?.[0]).toMatchObject({ kind: 'Website', ...saysOf('websites') });
});
