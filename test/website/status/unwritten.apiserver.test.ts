// A status that the API server does not store, on the real API server: what users learn with kubectl and with the program.
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import { SCOPES } from '../../../functions/website/run/scope.ts';
import { withDryRuns } from '../../../functions/cluster/dry-run.ts';
import { planManifests, planName } from '../../../infra/cli/plan/plan.ts';
import type { Planned } from '../../../infra/cli/plan/planned.ts';
import type { Finding } from '../../../infra/cli/doctor/finding.ts';
import { lastStatusOf } from '../../../infra/cli/written.ts';
import { website } from '../../cli/cli.ts';
import { eventually } from '../../eventually.ts';
import { forbid, mutate } from '../../policies.ts';
import { startCommand } from '../../program.ts';
import { createNamespace, createWebsite, removeWebsitesIn, replaceWebsiteSpec } from '../../real-cluster.ts';
import { startWebhook } from '../../webhook.ts';
import { functionsAccountIn, RULES, type FunctionsAccount } from './functions-account.ts';

let admin: Transport;
let account: FunctionsAccount;
let key: WebsiteKey;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  key = { namespace: await createNamespace(admin, 'unwritten'), name: 'shop' };
  account = await functionsAccountIn(key.namespace, admin);
});
afterEach(async () => {
  await removeWebsitesIn(admin, key.namespace);
  await account.close();
});

const pathOf = (api: string, plural: string) => `/${api}/namespaces/${key.namespace}/${plural}`;
const run = (more: object = {}) =>
  reconcile(
    key,
    { cluster: kubernetes(account.transport), now: () => new Date() },
    { scope: SCOPES.everything, ...more },
  );
const SPEC = { image: 'nginx:1', replicas: 1 };

const cli = (...args: string[]) => website([...args, '-n', key.namespace], { KUBECONFIG: inject('kubeconfig') });
async function doctorOnWebsites(): Promise<Finding | undefined> {
  const { out } = await cli('doctor', '--namespaces', key.namespace, '-o', 'json');
  return (JSON.parse(out) as Finding[]).find(({ check }) => check === 'Websites');
}

interface Event {
  readonly metadata: { readonly creationTimestamp: string };
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string };
}
async function eventsOf(reason: string): Promise<Event[]> {
  const path = pathOf('apis/events.k8s.io/v1', 'events');
  const { items } = (await admin.json({ method: 'GET', path, what: 'list events' })) as { items: Event[] };
  return items.filter((event) => event.regarding.kind === 'Website' && event.reason === reason);
}

const becomesReady = () =>
  eventually(async () => expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Available' }));

/**
 * Runs after changes of the spec, until the API server stores no status of such a run. A run may write two statuses, and the API server
 * may store the first. Times are whole seconds, so an Event of the second in which the status was written last does not show which
 * came first.
 */
async function failsWith(pattern: RegExp): Promise<void> {
  let tag = 1;
  await eventually(async () => {
    await replaceWebsiteSpec(admin, key, { ...SPEC, image: `nginx:${++tag}` });
    await run().catch(() => {});
    const changed = await kubernetes(admin).getWebsite(key);
    expect(changed?.status?.observedGeneration).not.toBe(changed?.metadata.generation);
    const written = (changed && lastStatusOf(changed)) ?? '';
    const later = (await eventsOf('StatusNotWritten')).filter(({ metadata }) => metadata.creationTimestamp > written);
    expect(later.map(({ note }) => note)).toContainEqual(expect.stringMatching(pattern) as string);
  });
}

const scope = () => ({
  namespace: key.namespace,
  apiGroup: 'stable.example.com',
  resource: 'websites/status',
  operations: ['UPDATE'] as const,
});
const webhookAnswering = async (answer: 'nothing' | 'no') => {
  const webhook = await startWebhook(admin, { namespace: key.namespace, resource: 'websites/status' });
  webhook.answer = () => (answer === 'no' ? { allowed: false, status: { message: 'not today' } } : undefined);
  return () => webhook.close();
};
const withoutRight = async () => {
  await account.grant(RULES.filter(({ resources }) => !resources.includes('websites/status')));
  return () => account.grant(RULES);
};

it.each<[string, () => Promise<() => Promise<void>>, RegExp, string]>([
  [
    'a webhook does not answer',
    () => webhookAnswering('nothing'),
    /\(InternalError\): .*failed calling webhook "test\.example\.com"/,
    'repair the webhook',
  ],
  [
    'a webhook denies it',
    () => webhookAnswering('no'),
    /\(Rejected\): .*admission webhook "test\.example\.com" denied the request: not today/,
    'change the webhook or the policy',
  ],
  [
    'a policy denies it',
    () => forbid(admin, scope()),
    /\(Rejected\): .*denied request: not here/,
    'change the webhook',
  ],
  [
    'the functions lack the right',
    withoutRight,
    /\(Forbidden\): .*cannot update resource "websites\/status"/,
    'kubectl apply --server-side -k infra/kubernetes/rights',
  ],
])('A status that is not written because %s is explained, until it is written', async (_, prevent, why, toDo) => {
  await createWebsite(admin, key, SPEC);
  await becomesReady();
  expect((await cli('explain', 'shop')).out).not.toContain('out of date');
  const end = await prevent();
  await failsWith(why);
  const { code, out } = await cli('explain', 'shop');
  expect(code).toBe(3);
  expect(out).toMatch(
    /This is about an older spec.*\n {2}The status is out of date \(\d+s ago\): The status cannot be written/,
  );
  expect(out).toMatch(why);
  expect(out).toContain(`What to do\n  ${toDo}`);
  expect((await cli('list')).out).toMatch(/^shop +Unknown +StatusNotWritten /m);
  expect(await doctorOnWebsites()).toMatchObject({
    state: 'problem',
    message: expect.stringMatching(
      /^The functions cannot write the status of 1 of 1 Website, first .*\/shop: The status cannot be written/,
    ) as string,
    toDo: expect.stringContaining(`website explain shop -n ${key.namespace}`) as string,
  });
  const asked = await cli('reconcile', 'shop', '--wait', '--timeout', '1');
  expect([asked.code, asked.out]).toEqual([
    3,
    expect.stringMatching(/The time is up, and the status is out of date: /),
  ]);
  await end();
  await becomesReady();
  expect((await cli('explain', 'shop')).out).not.toContain('out of date');
  expect((await doctorOnWebsites())?.state).toBe('ok');
});

it('The first status of a Website that cannot be written is explained, too', async () => {
  const end = await forbid(admin, scope());
  const command = [process.execPath, 'dist/cli/website.mjs', 'watch', '-n', key.namespace];
  const watching = startCommand(command, { KUBECONFIG: inject('kubeconfig') });
  await createWebsite(admin, key, SPEC);
  // Every status write shows whether the API server heeds the policy yet. A written status is not the first one any more.
  await eventually(async () => {
    await removeWebsitesIn(admin, key.namespace);
    await createWebsite(admin, key, SPEC);
    await run();
    expect((await kubernetes(admin).getWebsite(key))?.status).toBeUndefined();
  });
  const { out } = await cli('explain', 'shop');
  expect(out).toContain('The status is out of date');
  expect(out).not.toContain('have not seen it yet');
  await eventually(() => expect(watching.text.at(-1)).toMatch(/ shop +Unknown +StatusNotWritten /));
  watching.process.kill('SIGINT');
  expect(await watching.exit).toBe(0);
  await end();
});

it('A policy that changes the status leads to no write and no Event with each resync, and is explained', async () => {
  await createWebsite(admin, key, { ...SPEC, replicas: 0 });
  await eventually(async () => expect((await run()).outcome).toEqual({ kind: 'settled', reason: 'Parked' }));
  const set = 'Object{status: Object.status{observedGeneration: 1}}';
  const end = await mutate(admin, scope(), set);
  let replicas = 0;
  await eventually(async () => {
    await replaceWebsiteSpec(admin, key, { ...SPEC, replicas: ++replicas });
    expect((await run()).outcome).toEqual({ kind: 'stalled', reason: 'Overridden' });
  });
  await eventually(async () =>
    expect(await kubernetes(admin).getChild('Deployment', key)).toMatchObject({
      status: { replicas, availableReplicas: replicas },
    }),
  );
  await eventually(async () => expect((await run({ isUnprompted: true })).actions).toEqual([]));
  const versionOf = async () => (await kubernetes(admin).getWebsite(key))?.metadata.resourceVersion;
  const [version, events] = [await versionOf(), await eventsOf('Overridden')];
  for (let resync = 0; resync < 3; resync++)
    expect(await run({ isUnprompted: true })).toMatchObject({
      outcome: { kind: 'stalled', reason: 'Overridden' },
      actions: [],
    });
  expect(await versionOf()).toBe(version);
  expect(await eventsOf('Overridden')).toEqual(events);
  const { out } = await cli('explain', 'shop');
  expect(out).toMatch(/The status is out of date .*: An admission policy or webhook changes the status/);
  expect(out).toContain('What to do\n  exempt websites/status from the policy or webhook');
  await end();
  await eventually(async () =>
    expect((await run({ isUnprompted: true })).outcome).toEqual({ kind: 'settled', reason: 'Available' }),
  );
  expect((await cli('explain', 'shop')).out).not.toContain('out of date');
});

it('website plan --server shows that the API server refuses the status, or that it did not check it', async () => {
  await createWebsite(admin, key, SPEC);
  await becomesReady();
  await account.grant(RULES.filter(({ resources }) => !resources.includes('websites/status')));
  await replaceWebsiteSpec(admin, key, { ...SPEC, replicas: 2 });
  const server = kubernetes(withDryRuns(account.transport));
  const target = {
    cluster: kubernetes(account.transport),
    transport: account.transport,
    now: () => new Date(),
    server,
  };
  await eventually(async () =>
    expect(await planName(key, target)).toMatchObject({
      statusUnchecked: expect.stringContaining('cannot update resource "websites/status"') as string,
    }),
  );
  expect(await cli('plan', 'shop', '--server')).toMatchObject({
    code: 3,
    out: expect.stringContaining('Right after it, Ready is ') as string,
  });
  await forbid(admin, scope());
  await eventually(async () => {
    const { code, out } = await cli('plan', 'shop', '--server');
    expect(code).toBe(3);
    expect(out).toMatch(/~ update status of Website shop \(refused\)\n.*\(Rejected\): .*denied request: not here/);
    expect(out).not.toContain('Ready is');
  });
  const [plan] = JSON.parse((await cli('plan', 'shop', '--server', '-o', 'json')).out) as Planned[];
  expect(plan?.changes).toContainEqual(expect.objectContaining({ verb: 'update status', isRefused: true }));
  expect(plan?.statusProblem).toContain('The status cannot be written (Rejected): ');
  const manifest = { where: 'a file', key, metadata: {}, spec: { ...SPEC, image: 'nginx:2' } };
  const asked = { ...target, transport: admin, server: kubernetes(withDryRuns(admin)) };
  expect(await planManifests([manifest], asked)).toMatchObject([
    { statusProblem: expect.stringContaining('denied request: not here') as string },
  ]);
});

it('A status that a policy denies is tried again less and less often', async () => {
  await createWebsite(admin, key, SPEC);
  await becomesReady();
  await forbid(admin, scope());
  await failsWith(/\(Rejected\): .*denied request: not here/);
  const outcomeAfter = async (minutes: number) => {
    const now = () => new Date(Date.now() + minutes * 60_000);
    return (await reconcile(key, { cluster: kubernetes(account.transport), now }, { scope: SCOPES.everything }))
      .outcome;
  };
  const rejected = { kind: 'stalled', reason: 'Rejected' };
  expect(await outcomeAfter(0)).toEqual({ ...rejected, requeueAfterSeconds: 30 });
  expect(await outcomeAfter(60)).toEqual({ ...rejected, requeueAfterSeconds: 600 });
});
