// Errors that last, on the real API server: what the Website reports, and that it recovers.
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import { eventually } from '../../eventually.ts';
import { createNamespace, createWebsite, patch, patchWebsite, removeWebsitesIn } from '../../real-cluster.ts';
import { functionsAccountIn, RULES, type FunctionsAccount, type Rule } from './functions-account.ts';

let admin: Transport;
let account: FunctionsAccount;
let key: WebsiteKey;
let minutes: number;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  key = { namespace: await createNamespace(admin, 'forbidden'), name: 'shop' };
  minutes = 0;
  account = await functionsAccountIn(key.namespace, admin);
});
afterEach(async () => {
  await removeWebsitesIn(admin, key.namespace);
  await account.close();
});

/** The API server takes a moment to enforce a change of its rules. */
async function isAllowed(verb: string, resource: string): Promise<boolean> {
  const group = RULES.find(({ resources }) => resources.includes(resource))?.apiGroups[0];
  const review = (await account.transport.json({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    what: 'review a right',
    body: { spec: { resourceAttributes: { namespace: key.namespace, verb, resource, group } } },
  })) as { status: { allowed: boolean } };
  return review.status.allowed;
}
const without = (verb: string, resource: string): Rule[] =>
  RULES.map((rule) =>
    rule.resources.includes(resource) ? { ...rule, verbs: rule.verbs.filter((each) => each !== verb) } : rule,
  );

const run = () =>
  reconcile(key, { cluster: kubernetes(account.transport), now: () => new Date(Date.now() + minutes * 60_000) });
async function conditions(): Promise<string[]> {
  const website = await kubernetes(admin).getWebsite(key);
  return (website?.status?.conditions ?? []).map(
    ({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`,
  );
}
/** Reconciles until the Website is ready, because RBAC and the Deployment controller take a moment. */
const becomesReady = () =>
  eventually(async () => {
    await run();
    expect(await conditions()).toEqual(['Ready=True Available: 1 replica is available']);
  });

const SPEC = { image: 'nginx:1', replicas: 1, host: 'shop.example.com' };
const image = () => patchWebsite(admin, key, { spec: { image: 'nginx:2' } });
const serviceEdited = () =>
  patch(admin, `/api/v1/namespaces/${key.namespace}/services/shop-service`, { spec: { ports: [{ port: 8080 }] } });

const AVAILABLE = /^Ready=True Available: 1 replica is available$/;
/** The status of a rollout is written with the Deployment. */
const NOT_BEGUN = /^Ready=False Forbidden: /;

it.each<[string, string, () => Promise<unknown>, object, RegExp]>([
  ['update', 'deployments', image, SPEC, NOT_BEGUN],
  ['update', 'services', serviceEdited, SPEC, AVAILABLE],
  ['get', 'deployments', image, SPEC, AVAILABLE],
  ['delete', 'ingresses', () => patchWebsite(admin, key, { spec: { host: null } }), SPEC, AVAILABLE],
  [
    'create',
    'ingresses',
    () => patchWebsite(admin, key, { spec: { host: 'a.example.com' } }),
    { image: 'nginx:1', replicas: 1 },
    AVAILABLE,
  ],
])(
  'A missing right to %s %s is reported after a minute with the message of the API server',
  async (verb, resource, happens, spec, atFirst) => {
    await createWebsite(admin, key, spec);
    await becomesReady();
    await account.grant(without(verb, resource));
    await eventually(async () => expect(await isAllowed(verb, resource)).toBe(false));
    await happens();
    const message = new RegExp(
      `The functions lack a right: Could not .*User "system:serviceaccount:${key.namespace}:functions" cannot ${verb} resource "${resource}"`,
    );
    await eventually(async () => {
      await expect(run()).rejects.toMatchObject({ code: 'Forbidden' });
      const [ready, reconciling] = await conditions();
      expect(ready).toMatch(atFirst);
      expect(reconciling).toMatch(/^Reconciling=True Forbidden: /);
      expect(reconciling).toMatch(message);
    });
    minutes = 1.1;
    await expect(run()).rejects.toMatchObject({ code: 'Forbidden' });
    const [ready, stalled] = await conditions();
    expect(ready).toMatch(/^Ready=False Forbidden: /);
    expect(ready).toMatch(message);
    expect(stalled).toMatch(/^Stalled=True Forbidden: /);
    await account.grant(RULES);
    await becomesReady();
  },
);

it('Without the optional right to list Pods, only the cause is missing', async () => {
  await account.grant(RULES.filter(({ resources }) => !resources.includes('pods')));
  await createWebsite(admin, key, { image: 'registry.invalid/shop:1', replicas: 1 });
  const waits = '0 of 1 updated replica is available';
  await eventually(async () => {
    minutes++;
    await run();
    expect(await conditions()).toEqual([`Ready=False Progressing: ${waits}`, `Reconciling=True Progressing: ${waits}`]);
  });
  await account.grant(RULES);
  await eventually(async () => {
    await run();
    expect((await conditions())[0]).toBe(
      `Ready=False Progressing: ${waits}. ImagePullBackOff: registry.invalid/shop:1: not found`,
    );
  });
});

it('A webhook that cannot be called is named, and the rollout goes on once it is gone', async () => {
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 1 });
  await becomesReady();
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  const { namespace } = key;
  await admin.json({
    method: 'POST',
    path,
    what: 'create a webhook',
    body: {
      metadata: { name: namespace },
      webhooks: [
        {
          name: 'policy.example.com',
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          // Nothing listens there.
          clientConfig: { url: 'https://127.0.0.1:1/' },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          rules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['deployments'] }],
        },
      ],
    },
  });
  try {
    await eventually(async () => {
      await patch(admin, `/apis/apps/v1/namespaces/${namespace}/deployments/shop-deployment`, {
        metadata: { annotations: { tried: String(Date.now()) } },
      }).then(
        () => expect.fail('the webhook is not called yet'),
        (error: unknown) => expect(error).toMatchObject({ code: 'InternalError', isOfCluster: false }),
      );
    });
    await image();
    await expect(run()).rejects.toMatchObject({ code: 'InternalError' });
    expect((await conditions())[1]).toMatch(
      /^Reconciling=True InternalError: The API server fails: Could not update deployments .*failed calling webhook "policy.example.com": .*connection refused/,
    );
    minutes = 1.1;
    await expect(run()).rejects.toMatchObject({ code: 'InternalError' });
    expect((await conditions()).map((text) => text.split(':')[0])).toEqual([
      'Ready=False InternalError',
      'Stalled=True InternalError',
    ]);
  } finally {
    await admin.json({ method: 'DELETE', path: `${path}/${namespace}`, what: 'delete a webhook' });
  }
  await becomesReady();
});
