import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, expect, it } from 'vitest';
import { customResourceDefinition } from '../../../crds/generate.ts';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import { statuszText } from '../../../functions/statusz.ts';
import { VERSION } from '../../../functions/version.ts';
import { codeOf, doctorCommand } from '../../../infra/cli/doctor/command.ts';
import type { Finding } from '../../../infra/cli/doctor/finding.ts';
import { clockFinding } from '../../../infra/cli/doctor/server.ts';
import { resyncFinding, type ResyncJob } from '../../../infra/cli/doctor/resync.ts';
import type { Running } from '../../../infra/cli/doctor/statuses.ts';
import { versionsFinding } from '../../../infra/cli/doctor/versions.ts';
import { functionsFinding } from '../../../infra/cli/doctor/programs.ts';

it('The release in the programs is that of package.json and of the chart', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(VERSION).toBe(`v${version}`);
  expect(readFileSync('infra/kubernetes/Chart.yaml', 'utf8')).toContain(`appVersion: ${VERSION}\n`);
});

const MINUTE = 60_000;
const NOW = new Date('2026-01-02T12:00:00Z');
const ago = (minutes: number): string => new Date(NOW.getTime() - minutes * MINUTE).toISOString();

const running = (program: Running['program'], status: Running['status']): Running => ({
  program,
  where: `Pod ${program}`,
  isReady: true,
  status,
});
const forwarder = (version = VERSION) => running('forwarder', { version, startedAt: ago(60) });
interface Resynced {
  readonly version?: string;
  readonly up?: number;
  readonly interval?: number;
  readonly last?: number;
}
const functions = ({ version = VERSION, up = 600, interval = 0, last }: Resynced = {}) =>
  running('functions', {
    version,
    startedAt: ago(up),
    resync: { intervalSeconds: interval, ...(last === undefined ? {} : { lastCompleteAt: ago(last) }) },
  });
const silent = running('functions', { missing: 'no answer' });
const azure = running('functions', 'azure');

it.each<[string, readonly Running[], string, string]>([
  ['one release', [functions(), forwarder()], 'ok', `the functions ${VERSION}, the forwarder ${VERSION}, this program`],
  ['older functions', [functions({ version: 'v0.0.9' }), forwarder()], 'problem', 'the functions v0.0.9'],
  ['a newer forwarder', [functions(), forwarder('v9.0.0')], 'problem', 'the forwarder v9.0.0'],
  [
    'a partial rollout of the functions',
    [functions(), functions({ version: 'v9.0.0' }), forwarder()],
    'problem',
    `${VERSION} and v9.0.0`,
  ],
  ['a release without /statusz', [running('functions', 'older'), forwarder()], 'problem', 'an older release'],
  ['functions elsewhere', [forwarder()], 'unknown', 'the version of the functions is not known'],
  ['silent functions', [silent, forwarder()], 'unknown', 'the version of the functions is not known'],
  ['functions on Azure', [azure, forwarder()], 'unchecked', 'the version of the functions is not known'],
  ['functions on Azure, and a newer forwarder', [azure, forwarder('v9.0.0')], 'problem', 'the forwarder v9.0.0'],
  ['functions on Azure, and a silent forwarder', [azure], 'unknown', 'the version of the forwarder is not known'],
])('The doctor judges the versions of %s', (_, programs, state, message) => {
  const found = versionsFinding(programs);
  expect([found.state, found.message]).toEqual([state, expect.stringContaining(message)]);
  expect(found.toDo === undefined).toBe(state === 'ok');
  if (state === 'problem')
    expect(found.toDo).toMatch(/CRD and the rights, the functions, the forwarder, and this program/);
});

const noForwarder = running('forwarder', { missing: 'connect ECONNREFUSED' });
it.each<[string, readonly Running[], string]>([
  ['no program at a URL', [], 'give --functions-url and --forwarder-url'],
  ['functions at a URL', [silent], 'start the functions, or look at the log and the address; give --forwarder-url'],
  ['both at URLs', [silent, noForwarder], 'start the functions and the forwarder, or look at the log and the address'],
])('The doctor says what to do about silent programs, with %s', (_, atUrls, toDo) => {
  expect(versionsFinding([silent, noForwarder], atUrls)).toMatchObject({ state: 'unknown', toDo });
});

const job = (schedule: string, last?: number, suspend = false): ResyncJob => ({
  metadata: { namespace: 'webs' },
  spec: { schedule, suspend },
  ...(last === undefined ? {} : { status: { lastSuccessfulTime: ago(last) } }),
});

it.each<[string, readonly Running[], ResyncJob | undefined, string, string]>([
  ['of this process', [functions({ last: 4 })], undefined, 'ok', 'The last complete resync was 4m ago'],
  ['of one of two processes', [functions({ last: 90 }), functions({ last: 4 })], undefined, 'ok', '4m ago'],
  ['of a process that has ended, by its CronJob', [functions({ up: 3 })], job('*/10 * * * *', 8), 'ok', '8m ago'],
  ['of functions elsewhere, by the CronJob', [], job('*/10 * * * *', 8), 'ok', '8m ago'],
  ['too long ago for the interval', [functions({ interval: 600, last: 30 })], undefined, 'problem', '30m ago'],
  ['within a long interval', [functions({ interval: 7200, last: 200 })], undefined, 'ok', '3h ago'],
  ['too long ago for the schedule', [functions()], job('*/10 * * * *', 30), 'problem', '30m ago'],
  ['within a rare schedule', [functions()], job('0 3 * * *', 23 * 60), 'ok', '23h ago'],
  ['too long ago without a schedule', [functions({ last: 50 })], undefined, 'problem', '50m ago'],
  [
    'that has not happened since a recent start',
    [functions({ up: 3 })],
    undefined,
    'unknown',
    'since the functions started 3m ago',
  ],
  [
    'that has not happened since a start long ago',
    [functions({ up: 50 })],
    undefined,
    'problem',
    'since the functions started 50m ago',
  ],
  ['whose CronJob is suspended', [functions({ last: 4 })], job('*/10 * * * *', 4, true), 'problem', 'is suspended'],
  [
    'whose CronJob is suspended, but not needed',
    [functions({ interval: 600, last: 4 })],
    job('*/10 * * * *', 4, true),
    'ok',
    '4m ago',
  ],
  ['of silent functions', [silent, forwarder()], undefined, 'unknown', 'is not known'],
  ['of functions on Azure', [azure, forwarder()], undefined, 'unchecked', 'Azure Functions do not say'],
  ['of functions on Azure, by a CronJob', [azure], job('*/10 * * * *', 30), 'problem', '30m ago'],
])('The doctor judges a last resync %s', (_, programs, cronJob, state, message) => {
  const found = resyncFinding(programs, cronJob, NOW);
  expect([found.state, found.message]).toEqual([state, expect.stringContaining(message)]);
  expect(found.toDo === undefined).toBe(state === 'ok');
  if (message === 'is suspended') expect(found.toDo).toMatch(/^kubectl -n webs patch cronjob/);
});

it.each<[string, readonly Running[], ResyncJob | undefined, string]>([
  [
    'of the functions',
    [functions({ up: 3, interval: 600 })],
    undefined,
    'the functions resync every 10m. Without one in the next 22m,',
  ],
  ['of late functions', [functions({ up: 24, interval: 600 })], undefined, 'every 10m. Without one in the next 60s,'],
  [
    'of the CronJob',
    [functions({ up: 3 })],
    job('*/10 * * * *'),
    'the CronJob website-resync asks for one at */10 * * * *. Without one in the next 22m,',
  ],
  [
    'of an unknown program',
    [functions({ up: 3 })],
    undefined,
    'another program has to ask for one. Without one in the next 37m,',
  ],
])('Before the first resync %s, the doctor says when there will be one', (_, programs, cronJob, toDo) => {
  expect(resyncFinding(programs, cronJob, NOW).toDo).toContain(toDo);
});

const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);

it.each<[string, number, number, string, string]>([
  ['the same time', 0, 0.2, 'ok', 'agree'],
  ['a busy API server that read its clock early', 0, 9, 'ok', 'agree'],
  ['a busy API server that read its clock late', 9, 9, 'ok', 'agree'],
  ['a clock that is ahead', 15, 0.2, 'problem', 'differ by at least 14 s'],
  ['a clock that is behind', -15, 0.2, 'problem', 'differ by at least 14 s'],
  ['a clock that is ahead, and a busy API server', 30, 9, 'problem', 'differ by at least 21 s'],
  ['an answer that came too late', 5, 14, 'unknown', 'took 14 s to answer'],
])('The doctor judges the clocks with %s', (_, server, after, state, message) => {
  const found = clockFinding({ time: at(server), before: NOW, after: at(after) });
  expect([found.state, found.message]).toEqual([state, expect.stringContaining(message)]);
});

const servers: Server[] = [];
afterAll(() => servers.forEach((server) => server.close()));

/** A program that is ready. @returns its URL. */
async function listening(program: 'functions' | 'forwarder'): Promise<string> {
  const server = createServer((request, response) => {
    response.end(request.url === '/statusz' ? statuszText(NOW.getTime(), { program }) : 'ok');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The doctor's findings if the API server answers each request like this. */
async function examined(answer: (path: string) => ErrorCode | object, flags: object = {}) {
  const json = async ({ path, what }: ApiRequest): Promise<unknown> => {
    const answered = answer(path);
    if (typeof answered === 'string') throw new ClusterError(answered, `Could not ${what}: ${answered}`);
    return answered;
  };
  const unused = async (): Promise<never> => Promise.reject(new ClusterError('Forbidden', 'Could not stream'));
  const sized = async (request: ApiRequest) => ({ value: await json(request), bytes: 0 });
  const transport: Transport = { server: 'https://c', json, sized, stream: unused, close: async () => {} };
  const surroundings = { transport, now: () => NOW } as unknown as Parameters<typeof doctorCommand.ask>[0];
  const result = await doctorCommand.ask(surroundings, { output: 'table', ...flags }, []);
  if (typeof result === 'number') throw new Error('The doctor printed its findings itself');
  const { data, code, text } = result;
  return { findings: data as readonly Finding[], code, text };
}
const VERSION_ONLY = (path: string) => (path === '/version' ? { gitVersion: 'v1.37.2', minor: '37' } : 'Forbidden');

type CustomResourceDefinition = ReturnType<typeof customResourceDefinition>;

function withoutSubresource(crd: CustomResourceDefinition, name: string): object {
  const versions = crd.spec.versions.map((version) => ({
    ...version,
    subresources: Object.fromEntries(Object.entries(version.subresources).filter(([each]) => each !== name)),
  }));
  return { ...crd, spec: { ...crd.spec, versions } };
}

it('The doctor explains how to find the functions of npm start', () => {
  expect(functionsFinding([], 'website-reconciler').toDo).toMatch(/With npm start, run npm run website -- doctor/);
});

it('The doctor tells a user without rights, for each unknown result, how to find it out', async () => {
  const { findings, code, text } = await examined(VERSION_ONLY);
  const unsure = findings.filter(({ state }) => state !== 'ok');
  expect(unsure.map(({ check }) => check)).toEqual(expect.arrayContaining(['CRD', 'fence', 'functions', 'clock']));
  expect(text.match(/→ \S/g)).toHaveLength(unsure.length);
  expect(unsure.find(({ check }) => check === 'CRD')?.toDo).toMatch(/as an administrator/);
  expect(findings.find(({ check }) => check === 'forwarder')?.toDo).toMatch(
    /port-forward deployment\/website-forwarder.* With npm start, run npm run website -- doctor$/,
  );
  // A script must not take this for a healthy installation.
  expect(code).toBe(4);
});

it.each<[string, readonly Finding['state'][], number]>([
  ['nothing but healthy parts', ['ok', 'ok'], 0],
  ['an unknown part', ['ok', 'unknown'], 4],
  ['a problem', ['ok', 'problem'], 3],
  ['a problem beside an unknown part', ['unknown', 'problem', 'ok'], 3],
  ['a part that cannot be checked', ['ok', 'unchecked'], 0],
  ['an unknown part beside one that cannot be checked', ['unchecked', 'unknown'], 4],
  ['a problem beside a part that cannot be checked', ['unchecked', 'problem'], 3],
])('The exit code for %s', (_, states, code) => {
  expect(codeOf(states.map((state) => ({ check: 'x', state, message: 'x', toDo: 'x' }) as Finding))).toBe(code);
});

it.each<[ErrorCode, RegExp]>([
  ['Unreachable', /check the server of the kubeconfig/],
  ['Unauthorized', /log in again/],
])('The doctor reports an API server that answers %s, and says what to do', async (error, toDo) => {
  const { findings, code } = await examined(() => error);
  expect(findings).toEqual([
    { check: 'API server', state: 'problem', message: expect.any(String), toDo: expect.stringMatching(toDo) },
  ]);
  expect(code).toBe(3);
});

it('The doctor detects swapped URLs of the two programs', async () => {
  const [functionsUrl, forwarderUrl] = [await listening('forwarder'), await listening('functions')];
  const swapped = await examined(VERSION_ONLY, { functionsUrl, forwarderUrl });
  for (const [check, other] of [['functions', 'forwarder'] as const, ['forwarder', 'functions'] as const])
    expect(swapped.findings.find((each) => each.check === check)).toMatchObject({
      state: 'problem',
      message: expect.stringContaining(`is the address of the ${other}`) as string,
      toDo: expect.stringContaining(`--${other}-url`) as string,
    });
  expect(swapped.code).toBe(3);
  const right = await examined(VERSION_ONLY, { functionsUrl: forwarderUrl, forwarderUrl: functionsUrl });
  for (const check of ['functions', 'forwarder', 'versions'])
    expect(right.findings.find((each) => each.check === check)?.state).toBe('ok');
});

/** A Website of generation 2, of which the functions have handled 1, as a list of the API server returns it. */
const changedWebsite = (name: string, changed: string) => ({
  metadata: {
    name,
    namespace: 'a',
    generation: 2,
    creationTimestamp: ago(60),
    managedFields: [
      { manager: 'website-reconciler', subresource: 'status', time: ago(0) },
      { manager: 'kubectl', time: ago(60) },
      { manager: 'kubectl-edit', time: changed },
    ],
  },
  status: { observedGeneration: 1 },
});

it.each([
  ['within the last minute', ago(0.5), 'ok', 'handled the newest spec of 2 Websites'],
  ['before the last minute', ago(2), 'problem', 'not handled 1 of 2 Websites for over a minute, first a/blog'],
])('The doctor judges a Website by its last change: %s', async (_, changed, state, message) => {
  const items = [changedWebsite('shop', ago(0.1)), changedWebsite('blog', changed)];
  const { findings } = await examined((path) =>
    path.includes('/websites?') ? { items, metadata: {} } : VERSION_ONLY(path),
  );
  const found = findings.find(({ check }) => check === 'Websites');
  expect([found?.state, found?.message]).toEqual([state, expect.stringContaining(message)]);
});

const failed = (type: string, observedGeneration: number) => ({
  observedGeneration,
  conditions: [
    { type, status: 'True', reason: 'InternalError', observedGeneration: 2, message: 'failed calling webhook' },
  ],
});
it.each([
  ['stalled', failed('Stalled', 2), 'problem'],
  ['not handled', failed('Reconciling', 1), 'problem'],
  ['handled, and may recover', failed('Reconciling', 2), 'ok'],
  ['refused for its own sake', { observedGeneration: 2, conditions: [{ type: 'Stalled', reason: 'Rejected' }] }, 'ok'],
])('The doctor judges a Website whose reconciles fail: it is %s', async (_, status, state) => {
  const items = [changedWebsite('shop', ago(0.1)), { ...changedWebsite('blog', ago(2)), status }];
  const { findings } = await examined((path) =>
    path.includes('/websites?') ? { items, metadata: {} } : VERSION_ONLY(path),
  );
  const found = findings.find(({ check }) => check === 'Websites');
  expect(found?.state).toBe(state);
  if (state === 'ok') return;
  expect(found).toMatchObject({
    message: 'Reconciles of 1 of 2 Websites have failed for over a minute, first a/blog: InternalError',
    toDo: 'website explain blog -n a',
  });
});

const unwrittenEvent = (minutes: number, uid = 'blog-uid', namespace = 'a') => ({
  metadata: { creationTimestamp: ago(minutes) },
  reason: 'StatusNotWritten',
  message: 'The status cannot be written (InternalError): failed calling webhook "policy". It should say Parked: x',
  involvedObject: { kind: 'Website', namespace, name: 'blog', uid, resourceVersion: '1' },
});
it.each<[string, ErrorCode | readonly object[], number, string]>([
  ['cannot be written', [unwrittenEvent(0.1)], 60, 'problem'],
  ['could not be written a while ago', [unwrittenEvent(19)], 60, 'problem'],
  ['could not be written long ago', [unwrittenEvent(21)], 60, 'ok'],
  ['has been written since', [unwrittenEvent(5)], 4, 'ok'],
  ['is of a deleted Website', [unwrittenEvent(0.1, 'other-uid')], 60, 'ok'],
  ['may not be known, because this user may not read Events', 'Forbidden', 60, 'ok'],
])('The doctor judges Websites by their Events: the status %s', async (_, events, written, state) => {
  const metadata = {
    name: 'blog',
    namespace: 'a',
    uid: 'blog-uid',
    resourceVersion: '2',
    generation: 2,
    managedFields: [{ manager: 'website-reconciler', subresource: 'status', time: ago(written) }],
  };
  const items = [{ metadata, status: { observedGeneration: 2 } }];
  const asked: string[] = [];
  const { findings } = await examined((path) => {
    if (path.includes('/websites?')) return { items, metadata: {} };
    if (!path.startsWith('/api/v1/events?')) return VERSION_ONLY(path);
    asked.push(path);
    return typeof events === 'string' ? events : { items: events, metadata: {} };
  });
  expect(asked).toEqual([expect.stringContaining('fieldSelector=reason%3DStatusNotWritten')]);
  const found = findings.find(({ check }) => check === 'Websites');
  expect(found?.state).toBe(state);
  if (state === 'problem')
    expect(found).toMatchObject({
      message: expect.stringMatching(
        /^The functions cannot write the status of 1 of 1 Website, first a\/blog: /,
      ) as string,
      toDo: expect.stringMatching(/^repair the webhook .* More: website explain blog -n a$/) as string,
    });
});

it.each([
  ['as in this release', (crd: CustomResourceDefinition) => crd, 'ok', ''],
  [
    'without the status',
    (crd: CustomResourceDefinition) => withoutSubresource(crd, 'status'),
    'problem',
    'first subresources.status',
  ],
  [
    'without the scale',
    (crd: CustomResourceDefinition) => withoutSubresource(crd, 'scale'),
    'problem',
    'first subresources.scale',
  ],
])('The doctor judges a CRD %s', async (_, change, state, message) => {
  const installed = {
    ...change(customResourceDefinition()),
    status: { conditions: [{ type: 'Established', status: 'True' }] },
  };
  const { findings } = await examined((path) =>
    path.includes('/customresourcedefinitions/') ? installed : VERSION_ONLY(path),
  );
  const found = findings.find(({ check }) => check === 'CRD');
  expect([found?.state, found?.message]).toEqual([state, expect.stringContaining(message)]);
});

it('The doctor shows no query of a URL, which may hold a key', async () => {
  const asked = new URL(`${await listening('functions')}/?code=hunter2`);
  const urls = { functionsUrl: asked.href, forwarderUrl: 'http://127.0.0.1:1/?code=hunter2' };
  const { findings, text } = await examined(VERSION_ONLY, urls);
  expect(findings.find(({ check }) => check === 'functions')?.message).toBe(`${asked.origin} answers: ok`);
  expect(text + JSON.stringify(findings)).not.toContain('hunter2');
});
