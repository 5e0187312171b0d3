import { expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../functions/cluster/errors.ts';
import type { ApiRequest } from '../../functions/cluster/transport.ts';
import type { Website } from '../../functions/website/resource.ts';
import type { CommonFlags } from '../../infra/cli/command.ts';
import { listCommand } from '../../infra/cli/list.ts';
import { aWebsite, NOW, readyStatus } from '../fixtures/websites.ts';

/** What the command has printed at each request for a page, and its result. */
async function listed(
  pages: readonly (readonly Website[])[],
  flags: {
    readonly output?: CommonFlags['output'];
    readonly notReady?: boolean;
    readonly allNamespaces?: boolean;
  } = {},
  events: ErrorCode | readonly object[] = [],
) {
  const printed: string[] = [];
  const whenAsked: number[] = [];
  async function* listWebsites() {
    for (const page of pages) {
      whenAsked.push(printed.length);
      yield page;
    }
  }
  const asked: string[] = [];
  const transport = {
    sized: async ({ path }: ApiRequest) => {
      asked.push(path.replace(/&limit=\d+/, ''));
      if (typeof events === 'string') throw new ClusterError(events, 'refused');
      return { value: { items: events, metadata: {} }, bytes: 1 };
    },
  };
  const print = (line: string) => printed.push(line);
  const surroundings = { cluster: { listWebsites }, transport, namespace: 'team-a', now: () => NOW, print };
  const result = await listCommand.ask(
    surroundings as unknown as Parameters<typeof listCommand.ask>[0],
    { output: 'table', ...flags },
    [],
  );
  return { printed: printed.join('\n'), whenAsked, asked, result };
}

const site = (name: string, image = 'nginx:1') => aWebsite({ metadata: { name }, spec: { image, replicas: 1 } });

it('website list prints each page before it requests the next one, with aligned columns and one header', async () => {
  const { printed, whenAsked, result } = await listed([[site('shop')], [site('blog'), site('wiki-of-the-team')]]);
  expect(whenAsked).toEqual([0, 1]);
  expect(printed.split('\n').map((line) => line.slice(0, 30).trimEnd())).toEqual(
    [
      'NAME   READY     REASON       ',
      'shop   Unknown   NotSeenYet   ',
      'blog               Unknown   N',
      'wiki-of-the-team   Unknown   N',
    ].map((line) => line.trimEnd()),
  );
  expect(result).toBe(0);
});

it.each([
  ['Websites', {}, 'There is no Website.', 0],
  ['Websites that are not ready', { notReady: true }, 'Every Website is ready.', 0],
])('website list without %s prints a sentence', async (_, flags, text, code) => {
  expect(await listed([[]], flags)).toMatchObject({ printed: '', result: { text, data: [], code } });
});

it('website list -o json prints the same Websites as the table, all at once', async () => {
  const { printed, result } = await listed([[site('shop')], [site('blog')]], { output: 'json', notReady: true });
  expect(printed).toBe('');
  expect(result).toMatchObject({ data: [{ metadata: { name: 'shop' } }, { metadata: { name: 'blog' } }], code: 3 });
});

it.each<[string, Website['status'], string[]]>([
  ['nothing', undefined, []],
  ['only the available replicas', { availableReplicas: 2 }, ['2']],
  ['both', { replicasSet: 3, availableReplicas: 0 }, ['3', '0']],
])('website list shows the replicas of a status that says %s, as kubectl does', async (_, status, counts) => {
  const { printed } = await listed([
    [aWebsite({ spec: { image: 'nginx:1', replicas: 2 }, ...(status && { status }) })],
  ]);
  const [header = '', row = ''] = printed.split('\n');
  const cells = row.slice(header.indexOf('DESIRED'), header.lastIndexOf('AGE')).split(' ');
  expect(cells.filter((cell) => cell !== '')).toEqual(counts);
});

it('website list names the error that keeps the functions from reconciling the newest spec', async () => {
  const condition = {
    status: 'True',
    lastTransitionTime: NOW.toISOString(),
    message: '',
    observedGeneration: 2,
  } as const;
  const failing = aWebsite({
    metadata: { generation: 2 },
    status: {
      observedGeneration: 1,
      conditions: [
        { ...condition, type: 'Ready', reason: 'Available', observedGeneration: 1 },
        { ...condition, type: 'Reconciling', reason: 'InternalError' },
      ],
    },
  });
  expect((await listed([[failing]])).printed).toMatch(/shop +Unknown +InternalError/);
});

it.each([
  ['names the error that holds up a rollout', 'False', 'Progressing', 'InternalError'],
  ['leaves a site that is still as declared Ready', 'True', 'Available', 'Available'],
] as const)('website list %s', async (_, value, reason, shown) => {
  const condition = { lastTransitionTime: NOW.toISOString(), message: '', observedGeneration: 2 };
  const failing = aWebsite({
    metadata: { generation: 2 },
    status: {
      observedGeneration: 2,
      conditions: [
        { ...condition, type: 'Ready', status: value, reason },
        { ...condition, type: 'Reconciling', status: 'True', reason: 'InternalError' },
      ],
    },
  });
  expect((await listed([[failing]])).printed).toMatch(new RegExp(`shop +${value} +${shown}`));
});

const SEEN = aWebsite({ status: readyStatus() });
const unwrittenEvent = (uid: string, resourceVersion: string) => ({
  metadata: {},
  reason: 'StatusNotWritten',
  involvedObject: { kind: 'Website', name: 'shop', uid, resourceVersion },
});

it.each<[string, Website, ErrorCode | readonly object[], string]>([
  ['cannot be written', site('shop'), [unwrittenEvent('uid-1', '1')], 'StatusNotWritten'],
  ['could not be written at an older version', site('shop'), [unwrittenEvent('uid-1', '0')], 'NotSeenYet'],
  ['could not be written for another Website', site('shop'), [unwrittenEvent('uid-0', '1')], 'NotSeenYet'],
  ['is missing, and this user may not read Events', site('shop'), 'Forbidden', 'NotSeenYet'],
  ['is about the newest spec', SEEN, [unwrittenEvent('uid-1', '1')], 'Available'],
])('website list names the reason of a Website whose status %s', async (_, website, events, reason) => {
  expect((await listed([[website]], {}, events)).printed).toMatch(new RegExp(`shop +\\w+ +${reason} `));
});

const EVENTS = 'events?fieldSelector=reason%3DStatusNotWritten';
const OWN = `/api/v1/namespaces/team-a/${EVENTS}`;
it.each([
  ['once, however many pages have Websites that are not seen yet', [[site('shop')], [site('blog')]], {}, [OWN]],
  ['of all namespaces, if it lists them', [[site('shop')]], { allNamespaces: true }, [`/api/v1/${EVENTS}`]],
  ['never, if each status is about the newest spec', [[SEEN]], {}, []],
  ['never, if it prints no table', [[site('shop')]], { output: 'json' }, []],
] as const)('website list asks for Events %s', async (_, pages, flags, asked) => {
  expect((await listed(pages, flags)).asked).toEqual(asked);
});
