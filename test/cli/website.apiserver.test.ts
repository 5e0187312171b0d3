// The built program against the real API server.
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { reconcile } from '../../functions/website/reconcile.ts';
import { REQUESTED_AT, type WebsiteKey } from '../../functions/website/resource.ts';
import type { Planned } from '../../infra/cli/plan/planned.ts';
import type { Finding } from '../../infra/cli/doctor/finding.ts';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { dryRun, withDryRuns, type DryRun } from '../../functions/cluster/dry-run.ts';
import type { Desired } from '../../functions/website/children/kind.ts';
import type { Child } from '../../functions/website/children/kinds.ts';
import { VERSION } from '../../functions/version.ts';
import { eventually } from '../eventually.ts';
import { startCommand } from '../program.ts';
import {
  createNamespace,
  createWebsite,
  patch,
  patchWebsite,
  removeWebsitesIn,
  replaceWebsiteSpec,
} from '../real-cluster.ts';
import { anySpec } from '../website/generated.ts';
import { website } from './cli.ts';

let admin: Transport;
let functions: Transport;
let namespace: string;
let folder: string;
let names = 0;
const now = () => new Date();

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  functions = await connect({ kubeconfig: inject('functionsKubeconfig') });
  namespace = await createNamespace(admin, 'cli');
  folder = await mkdtemp(join(tmpdir(), 'website-cli-'));
});
afterAll(async () => {
  await removeWebsitesIn(admin, namespace);
  await Promise.all([admin.close(), functions.close(), rm(folder, { recursive: true })]);
});

const nextKey = (): WebsiteKey => ({ namespace, name: `site-${++names}` });
const run = (...args: string[]) => website([...args, '-n', namespace], { KUBECONFIG: inject('kubeconfig') });
/** Reconciles like the functions after an event. */
const handle = (key: WebsiteKey) => eventually(() => reconcile(key, { cluster: kubernetes(functions), now }));

/** A site that no longer changes. */
async function readySite(spec: object = { image: 'nginx:1', replicas: 1 }): Promise<WebsiteKey> {
  const key = nextKey();
  await createWebsite(admin, key, spec);
  await eventually(async () => expect((await handle(key)).outcome.kind).toBe('settled'));
  return key;
}

type Write = readonly [verb: string, kind: string, content: unknown];

const contentOf = ({ metadata: { labels, annotations, ownerReferences }, spec }: Child | Desired<Child>) => ({
  metadata: { labels, annotations: withoutRevision(annotations), ownerReferences },
  spec,
});

/** The Deployment controller numbers the rollouts. */
const withoutRevision = (annotations: object = {}) => ({
  ...annotations,
  'deployment.kubernetes.io/revision': undefined,
});

const recordedWrites = ({ writes }: Pick<DryRun, 'writes'>): Write[] =>
  writes.flatMap((write): Write[] => {
    if (write.verb === 'update status' || write.verb === 'scale') return [];
    const child = write.verb === 'delete' ? write.before : write.after;
    return [[write.verb, child.kind, write.verb === 'delete' ? undefined : contentOf(child)]];
  });

/** Passes on each write of a reconcile, and records it with its result. */
function overheard(cluster: Cluster) {
  const sent: Write[] = [];
  const stored: Write[] = [];
  const heard: Cluster = {
    ...cluster,
    async create(child) {
      sent.push(['create', child.kind, contentOf(child)]);
      const result = await cluster.create(child);
      stored.push(['create', child.kind, contentOf(result)]);
      return result;
    },
    async replace(child) {
      sent.push(['replace', child.kind, contentOf(child)]);
      const result = await cluster.replace(child);
      stored.push(['replace', child.kind, contentOf(result)]);
      return result;
    },
    async delete(child) {
      for (const list of [sent, stored]) list.push(['delete', child.kind, undefined]);
      await cluster.delete(child);
    },
  };
  return { heard, sent, stored };
}

/** The API server assigns these. */
const assigned = (writes: readonly Write[]): unknown =>
  JSON.parse(JSON.stringify(writes), (name, value: unknown) => (/^clusterIPs?$/.test(name) ? 'assigned' : value));

/** @returns how many writes were predicted. */
async function expectPrediction(key: WebsiteKey): Promise<number> {
  const cluster = kubernetes(functions);
  const plain = dryRun(cluster);
  await reconcile(key, { cluster: plain.cluster, now });
  const asked = dryRun(cluster, { server: kubernetes(withDryRuns(functions)) });
  const predicted = await reconcile(key, { cluster: asked.cluster, now });
  const { heard, sent, stored } = overheard(cluster);
  const { outcome } = await reconcile(key, { cluster: heard, now });
  expect(predicted.outcome.kind).toBe(outcome.kind);
  // A plan without dry runs cannot know what the API server refuses.
  if (outcome.kind === 'stalled') return 0;
  expect(sent).toEqual(recordedWrites(plain));
  expect(assigned(stored)).toEqual(assigned(recordedWrites(asked)));
  return sent.length;
}

describe('website plan', () => {
  it('reports no change for a Website that is as declared, and otherwise each write of the next reconcile', async () => {
    const key = await readySite();
    expect(await run('plan', key.name)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Nothing changes') as string,
    });
    await patchWebsite(admin, key, { spec: { image: 'nginx:2', host: 'a.example.com' } });
    const { code, out } = await run('plan', key.name);
    expect(code).toBe(3);
    expect(out).toContain(`~ update Deployment ${key.name}-deployment (replaces the Pods)`);
    expect(out).toContain('~ spec.template.spec.containers[0].image: "nginx:1" -> "nginx:2"');
    expect(out).toContain(`+ create Ingress ${key.name}-ingress`);
    const { actions } = await handle(key);
    const [after] = JSON.parse((await run('plan', key.name, '-o', 'json')).out) as Planned[];
    expect(after?.changes.filter(({ verb }) => verb !== 'update status')).toEqual([]);
    expect(actions).toEqual(['replace Deployment', 'create Ingress', 'update status']);
  });

  it('predicts what the next reconcile sends, and with --server what the API server stores', async () => {
    let writes = 0;
    await fc.assert(
      fc.asyncProperty(fc.tuple(anySpec, anySpec), async (specs) => {
        const key = nextKey();
        for (const [index, spec] of specs.entries()) {
          const few = {
            ...spec,
            ...(spec['replicas'] === undefined ? {} : { replicas: Number(spec['replicas']) % 3 }),
          };
          await (index === 0 ? createWebsite(admin, key, few) : replaceWebsiteSpec(admin, key, few));
          // The Deployment controller writes at the same time. A run that loses a race proves nothing.
          writes += await eventually(() => expectPrediction(key));
        }
      }),
      { numRuns: 25, endOnFailure: true },
    );
    expect(writes).toBeGreaterThan(10);
  });

  it('-f shows the children of a Website that does not exist, and stores nothing', async () => {
    const file = join(folder, 'new.yaml');
    writeFileSync(
      file,
      'apiVersion: stable.example.com/v1\nkind: Website\nmetadata: {name: fresh}\nspec: {image: "nginx:1", replicas: 2}\n---\nkind: Other\n',
    );
    for (const more of [[], ['--server']]) {
      const { code, out, error } = await run('plan', '-f', file, ...more);
      expect([code, error]).toEqual([3, '']);
      for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget'])
        expect(out).toContain(`+ create ${kind} fresh-`);
    }
    expect(await kubernetes(admin).getWebsite({ namespace, name: 'fresh' })).toBeUndefined();
    expect(await kubernetes(admin).getChild('Deployment', { namespace, name: 'fresh' })).toBeUndefined();
  });

  it("-f names the wrong field, and --server shows the API server's own message", async () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(
      file,
      'apiVersion: stable.example.com/v1\nkind: Website\nmetadata: {name: bad}\nspec: {image: "nginx:1", replicas: -1}\n',
    );
    expect(await run('plan', '-f', file)).toMatchObject({
      code: 2,
      out: '',
      error: expect.stringMatching(/Website .*\/bad: spec.replicas: Too small: expected number to be >=0/) as string,
    });
    expect(await run('plan', '-f', file, '--server')).toMatchObject({
      code: 1,
      error: expect.stringMatching(/spec.replicas.*greater than or equal to 0/) as string,
    });
  });

  it.each([
    [
      'an unknown field',
      'bad',
      'image: "nginx:1", replicas: 1, replica: 2',
      /spec.replica is not a field of a Website/,
    ],
    ['a name that is too long', 'a'.repeat(60), 'image: "nginx:1", replicas: 1', /metadata.name must be at most 52/],
  ])('-f refuses a file with %s, and so does the API server', async (_, name, spec, message) => {
    const file = join(folder, 'refused.yaml');
    writeFileSync(
      file,
      `apiVersion: stable.example.com/v1\nkind: Website\nmetadata: {name: ${name}}\nspec: {${spec}}\n`,
    );
    expect(await run('plan', '-f', file)).toMatchObject({ code: 2, error: expect.stringMatching(message) as string });
    expect((await run('plan', '-f', file, '--server')).code).toBe(1);
  });

  it('-f drops null fields, as the API server does', async () => {
    const file = join(folder, 'nulls.yaml');
    const spec = '{image: "nginx:1", replicas: 1, port: null, env: null, childMetadata: {labels: {team: null}}}';
    writeFileSync(file, `apiVersion: stable.example.com/v1\nkind: Website\nmetadata: {name: nulls}\nspec: ${spec}\n`);
    const plans = await Promise.all([[], ['--server']].map(async (more) => run('plan', '-f', file, ...more)));
    expect(plans.map(({ code, error }) => [code, error])).toEqual([
      [3, ''],
      [3, ''],
    ]);
  });

  it('-f refuses a namespace that neither the cluster nor the file has', async () => {
    const file = join(folder, 'nowhere.yaml');
    const site =
      'apiVersion: stable.example.com/v1\nkind: Website\nmetadata: {name: shop, namespace: nowhere}\nspec: {image: "nginx:1", replicas: 1}\n';
    writeFileSync(file, site);
    const plan = async () => website(['plan', '-f', file], { KUBECONFIG: inject('kubeconfig') });
    expect(await plan()).toMatchObject({
      code: 2,
      error: expect.stringContaining('there is no namespace nowhere') as string,
    });
    writeFileSync(file, `${site}---\napiVersion: v1\nkind: Namespace\nmetadata: {name: nowhere}\n`);
    expect((await plan()).code).toBe(3);
  });

  it('-f reports no change for a file that kubectl get printed', async () => {
    const key = await readySite();
    const stored = await kubernetes(admin).getWebsite(key);
    const file = join(folder, 'list.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', metadata: {}, items: [stored] }));
    expect(await run('plan', '-f', file)).toMatchObject({
      code: 0,
      out: expect.stringContaining('Nothing changes') as string,
    });
  });

  it('--default-gateway plans a site with a host as the functions with that default Gateway would', async () => {
    const key = await readySite();
    await patchWebsite(admin, key, { spec: { host: 'b.example.com' } });
    expect((await run('plan', key.name)).out).toContain(`+ create Ingress ${key.name}-ingress`);
    const { out } = await run('plan', key.name, '--default-gateway', 'infra/web');
    expect(out).toContain(`+ create HTTPRoute ${key.name}-httproute`);
    expect(out).not.toContain('Ingress');
    await patchWebsite(admin, key, { spec: { host: null } });
  });

  it('--all names the Websites that change', async () => {
    const [same, other] = [await readySite(), await readySite()];
    await patchWebsite(admin, other, { spec: { image: 'nginx:3' } });
    const { code, out } = await run('plan', '--all');
    expect(code).toBe(3);
    expect(out).toContain(`${namespace}/${other.name}: update Deployment, update status (replaces the Pods)`);
    expect(out).not.toContain(`${namespace}/${same.name}:`);
  });
});

it('website plan and website explain first show what the API server refused last time', async () => {
  const key = { namespace: await createNamespace(admin, 'cli-full'), name: 'shop' };
  const quotas = `/api/v1/namespaces/${key.namespace}/resourcequotas`;
  const quota = {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'none' },
    spec: { hard: { 'count/deployments.apps': '0' } },
  };
  await admin.json({ method: 'POST', path: quotas, what: 'create resourcequotas', body: quota });
  // Wait until the quota's controller has counted.
  await eventually(async () =>
    expect(await admin.json({ method: 'GET', path: `${quotas}/none`, what: 'get' })).toMatchObject({
      status: { hard: {} },
    }),
  );
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 2 });
  await eventually(async () => expect((await handle(key)).outcome.kind).toBe('stalled'));
  const asked = async (...args: string[]) =>
    website([...args, '-n', key.namespace], { KUBECONFIG: inject('kubeconfig') });
  const shown = async (...args: string[]) => (await asked(...args)).out;
  expect(await shown('plan', key.name)).toMatch(
    /Website \S+\n {2}The API server refused a write last time \(QuotaExceeded\): Could not create .*exceeded quota: none.*\n {2}The functions try again what they could not write:\n {2}\+ create Deployment/,
  );
  expect(await shown('plan', '--all')).toMatch(
    /shop: not written last time \(QuotaExceeded\), tried again: create Deployment.*\n0 of 1 Website would change\. Pods would be replaced in 0\. 1 would be tried again and was refused last time, which counts as no change\./,
  );
  for (const server of [[], ['--server']]) expect(await asked('plan', '--all', ...server)).toMatchObject({ code: 0 });
  const explained = await shown('explain', key.name);
  expect(explained).toContain(
    'tries again what was not written last time, because the API server refused a write: create Deployment',
  );
  expect(explained).toContain(`kubectl describe resourcequota -n ${key.namespace} shows how much is used`);
  expect(explained).not.toContain('+ spec.');
  await removeWebsitesIn(admin, key.namespace);
});

describe('website explain', () => {
  it('names who changed a field by hand, and shows how the next reconcile restores it', async () => {
    const key = await readySite();
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${key.name}-deployment?fieldManager=somebody`;
    await patch(admin, path, {
      spec: { template: { spec: { containers: [{ name: 'webserver', image: 'nginx:9' }] } } },
    });
    const { out } = await run('explain', key.name);
    expect(out).toMatch(
      /Not as the spec declares\n +Deployment +spec.template.spec.containers\[0\].image +last written by somebody/,
    );
    expect(out).toContain('~ spec.template.spec.containers[0].image: "nginx:9" -> "nginx:1"');
  });

  it('lists all differences of a suspended site, which the next reconcile keeps', async () => {
    const key = await readySite({ image: 'nginx:1', replicas: 2 });
    await patchWebsite(admin, key, { spec: { suspend: true } });
    const budget = `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets/${key.name}-poddisruptionbudget`;
    await admin.json({ method: 'DELETE', path: budget, what: 'delete poddisruptionbudgets' });
    const service = `/api/v1/namespaces/${namespace}/services/${key.name}-service?fieldManager=somebody`;
    await patch(admin, service, { spec: { selector: { app: 'other' } } });
    await handle(key);
    const { code, out } = await run('explain', key.name);
    expect(code).toBe(3);
    expect(out).toMatch(/PodDisruptionBudget +\S+ +is missing/);
    expect(out).toMatch(/Not as the spec declares\n +Service +spec.selector.app +last written by somebody/);
    expect(out).toMatch(/The next reconcile\n +writes nothing/);
    expect(out).toContain(`website resume ${key.name} -n ${namespace}`);
  });

  it('says what to do about a name conflict', async () => {
    const key = nextKey();
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `${key.name}-service` },
      spec: { ports: [{ port: 80 }] },
    };
    await admin.json({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/services`,
      what: 'create services',
      body: service,
    });
    await createWebsite(admin, key, { image: 'nginx:1', replicas: 1 });
    await handle(key);
    const { code, out } = await run('explain', key.name);
    expect(code).toBe(3);
    expect(out).toMatch(/Ready: False \(NameConflict\)/);
    expect(out).toMatch(/What to do\n +delete or rename the objects that the message names/);
    expect(out).toMatch(/Service +\S+ +belongs to somebody else/);
  });

  it('of a missing Website fails with its name', async () => {
    const { code, error } = await run('explain', 'nobody');
    expect([code, error]).toEqual([1, `Error: There is no Website nobody in namespace ${namespace}\n`]);
  });
});

it('website list shows all Websites, and with --not-ready only those that are not ready', async () => {
  const [ready, fresh] = [await readySite(), nextKey()];
  await createWebsite(admin, fresh, { image: 'nginx:1', replicas: 1 });
  const all = await run('list');
  expect(all.code).toBe(0);
  expect(all.out).toMatch(new RegExp(`${ready.name} +True +Available +nginx:1 +1 +1 `));
  expect(all.out).toMatch(new RegExp(`${fresh.name} +Unknown +NotSeenYet`));
  const some = await run('list', '--not-ready');
  expect(some.code).toBe(3);
  expect(some.out).toContain(fresh.name);
  expect(some.out).not.toMatch(new RegExp(`^${ready.name} `, 'm'));
  expect(all.out).not.toContain('\u001b');
});

it('website history shows which image ran in which generation', async () => {
  const key = await readySite();
  expect((await run('history', key.name)).out).toMatch(/GENERATION +IMAGE +STARTED +READY AFTER +WHY NOT\n1 +nginx:1 /);
});

it.each([
  ['a wrong URL', ['--from', 'shop'], 2, '--from must be the http or https URL'],
  ['a malformed header', ['--from', 'http://127.0.0.1:9990/', '--header', 'x'], 2, '--header must have the form'],
  [
    'an address that does not answer',
    ['--from', 'http://127.0.0.1:9990/history'],
    1,
    'http://127.0.0.1:9990/history does not answer',
  ],
])('website history --from with %s fails with a message', async (_, args, code, message) => {
  expect(await run('history', 'shop', ...args)).toMatchObject({
    code,
    error: expect.stringContaining(message) as string,
  });
});

it('website suspend and website resume change the spec, and website reconcile --wait waits for the functions', async () => {
  const key = await readySite();
  const [site, stored] = [`${namespace}/${key.name}`, async () => kubernetes(admin).getWebsite(key)];
  const wasNot = { code: 0, out: `${site} was not suspended.\n` };
  const before = await stored();
  expect(await run('resume', key.name)).toMatchObject(wasNot);
  expect(await stored()).toEqual(before);
  const stays = `Its children stay as they are until: website resume ${key.name} -n ${namespace}\n`;
  expect(await run('suspend', key.name)).toMatchObject({ code: 0, out: `Suspended ${site}. ${stays}` });
  expect((await stored())?.spec).toMatchObject({ suspend: true });
  expect(await run('suspend', key.name)).toMatchObject({ code: 0, out: `${site} was suspended already. ${stays}` });
  expect(await run('resume', key.name)).toMatchObject({ code: 0, out: `Resumed ${site}.\n` });
  expect((await stored())?.spec).toMatchObject({ suspend: false });
  expect(await run('resume', key.name)).toMatchObject(wasNot);
  const waiting = run('reconcile', key.name, '--wait');
  let ended = false;
  const end = waiting.then(() => (ended = true));
  await eventually(async () => {
    await handle(key);
    expect(ended).toBe(true);
  });
  await end;
  expect(await waiting).toMatchObject({ code: 0, out: expect.stringContaining('Ready True (Available)') as string });
});

it('website reconcile --wait exits with code 3 if the functions do not answer', async () => {
  const key = nextKey();
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 1 });
  const { code, out } = await run('reconcile', key.name, '--wait', '--timeout', '1');
  expect(code).toBe(3);
  expect(out).toContain('the functions have not looked at it');
});

it('website reconcile --wait exits with code 3 for a Ready Website too if the functions do not answer', async () => {
  const { name } = await readySite();
  const { code, out } = await run('reconcile', name, '--wait', '--timeout', '1');
  expect([code, out]).toEqual([
    3,
    expect.stringMatching(/Ready True \(Available\): .*available\. The time is up, and/),
  ]);
});

it('website reconcile --wait does not print the state of an older spec', async () => {
  const key = await readySite();
  await patchWebsite(admin, key, { spec: { image: 'nginx:1.30' } });
  const { code, out } = await run('reconcile', key.name, '--wait', '--timeout', '1');
  expect([code, out]).toEqual([
    3,
    expect.stringMatching(/Ready Unknown \(NotSeenYet\): The functions have not judged the newest spec yet\. The time/),
  ]);
});

it('website doctor finds missing rights, and functions that do not answer', async () => {
  const findings = async (...args: string[]) =>
    JSON.parse((await run('doctor', '-o', 'json', ...args)).out) as Finding[];
  const stateOf = (all: Finding[], check: string) => all.find((each) => each.check === check)?.state;
  const healthy = await findings();
  for (const check of ['API server', 'CRD', 'rights of the functions', 'rights of the forwarder', 'clock'])
    expect([check, stateOf(healthy, check)]).toEqual([check, 'ok']);
  const elsewhere = await findings('--installation', namespace, '--functions-url', 'http://127.0.0.1:9');
  expect(stateOf(elsewhere, 'rights of the functions')).toBe('problem');
  expect(stateOf(elsewhere, 'functions')).toBe('problem');
});

it.each([
  ['an unknown command', ['nonsense'], /unknown command/],
  ['an unknown flag', ['list', '--nonsense'], /unknown option '--nonsense'/],
  ['a wrong format', ['list', '-o', 'xml'], /Allowed choices are table, json, yaml/],
  ['nothing to plan', ['plan'], /Give one of: a name, -f FILE, or --all/],
  ['a file that does not exist', ['plan', '-f', 'missing.yaml'], /Could not read missing.yaml/],
  ['an incomplete Gateway', ['plan', 'x', '--default-gateway', 'infra'], /--default-gateway must be NAMESPACE\/NAME/],
  ['--only-default-gateway but no default Gateway', ['plan', 'x', '--only-default-gateway'], /needs --default-gateway/],
  ['an empty name', ['explain', ''], /"" is not the name of a Website: give NAME, or NAMESPACE\/NAME/],
  ['a path as a name', ['suspend', '../x'], /"..\/x" is not the name of a Website/],
  ['too many parts of a name', ['history', 'a/b/c'], /"a\/b\/c" is not the name of a Website/],
  ['an empty namespace', ['list', '-n', ''], /--namespace must be the name of a namespace, but is ""/],
  ['a wrong namespace', ['doctor', '--installation', 'A/b'], /--installation must be the name of a namespace/],
  ['a wrong list of namespaces', ['doctor', '--namespaces', 'a,'], /--namespaces must be the name of a namespace/],
  ['a wrong URL', ['doctor', '--functions-url', 'shop'], /--functions-url must be an http or https URL/],
  ['a format that watch lacks', ['watch', '-o', 'json'], /website watch prints lines alone/],
  ['one namespace and all of them for list', ['list', '-A'], /Give --namespace or --all-namespaces, not both/],
  ['one namespace and all of them for watch', ['watch', '-A'], /Give --namespace or --all-namespaces, not both/],
  ['a missing name', ['explain'], /missing required argument 'name'/],
])('The program exits with code 2 and one line for a command line with %s', async (_, args, message) => {
  const wrong = args.includes('-n') ? website(args, { KUBECONFIG: inject('kubeconfig') }) : run(...args);
  const { code, error } = await wrong;
  expect([code, error]).toEqual([2, expect.stringMatching(message)]);
});

it('--version prints the release', async () => {
  expect(await website(['--version'])).toMatchObject({ code: 0, out: `${VERSION}\n` });
});

it('Ctrl-C ends a command that waits', async () => {
  const key = nextKey();
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 1 });
  const command = ['dist/cli/website.mjs', 'reconcile', key.name, '-n', namespace, '--wait'];
  const waiting = startCommand([process.execPath, ...command], { KUBECONFIG: inject('kubeconfig') });
  await eventually(async () =>
    expect((await kubernetes(admin).getWebsite(key))?.metadata.annotations).toHaveProperty(REQUESTED_AT),
  );
  waiting.process.kill('SIGINT');
  await waiting.exit;
  expect(waiting.process.signalCode).toBe('SIGINT');
});

it('website watch prints a change, and exits with code 0 after Ctrl-C', async () => {
  const command = ['dist/cli/website.mjs', 'watch', '-n', namespace];
  const watching = startCommand([process.execPath, ...command], { KUBECONFIG: inject('kubeconfig') });
  await eventually(() => expect(watching.text[0]).toMatch(/^TIME +NAMESPACE +NAME +READY/));
  const key = nextKey();
  await createWebsite(admin, key, { image: 'nginx:1', replicas: 1 });
  await eventually(() => expect(watching.text.join('\n')).toMatch(new RegExp(`${key.name} +Unknown +NotSeenYet`)));
  watching.process.kill('SIGINT');
  expect(await watching.exit).toBe(0);
});

it('A cluster that does not answer leads to exit code 1', async () => {
  const kubeconfig = join(folder, 'nowhere.kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:9' } }],
      users: [{ name: 'u', user: { token: 'x' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  );
  const { code, error } = await website(['list'], { KUBECONFIG: kubeconfig });
  expect(code).toBe(1);
  expect(error).toMatch(/^Error: .*127\.0\.0\.1:9/);
});
