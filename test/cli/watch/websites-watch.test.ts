import { PassThrough, type Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { watchCommand } from '../../../infra/cli/watch/watch.ts';
import { eventually } from '../../eventually.ts';
import { aWebsite, NOW } from '../../fixtures/websites.ts';

const site = (resourceVersion: string, observedGeneration?: number) =>
  aWebsite({
    metadata: { resourceVersion },
    ...(observedGeneration === undefined ? {} : { status: { observedGeneration } }),
  });
const event = (version: string, uid = 'uid-1', made = '1') => ({
  metadata: { name: `shop.${version}.${made}`, namespace: 'team-a', resourceVersion: made },
  reason: 'StatusNotWritten',
  involvedObject: { kind: 'Website', name: 'shop', uid, resourceVersion: version },
});

/** Its last version is that of the deletion. */
const deleted = (object: ReturnType<typeof event>) => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: '20' },
});

interface Watched {
  readonly websites: readonly Website[];
  /** Undefined if this user may not read Events. */
  readonly events?: readonly object[];
}

/** Runs `website watch` with these lists. */
function watching(lists: Watched) {
  const streams = { websites: new PassThrough(), events: new PassThrough() };
  const asked: string[] = [];
  const isAboutEvents = ({ path }: ApiRequest) => path.includes('/events?');
  const transport = {
    async sized(request: ApiRequest) {
      asked.push(request.path);
      const items = isAboutEvents(request) ? lists.events : lists.websites;
      if (items === undefined) throw new ClusterError('Forbidden', 'refused');
      return { value: { items, metadata: { resourceVersion: '1' } }, bytes: 1 };
    },
    async stream(request: ApiRequest): Promise<Readable> {
      asked.push(request.path);
      return isAboutEvents(request) ? streams.events : streams.websites;
    },
  } as unknown as Transport;
  const interrupted = new AbortController();
  const lines: string[] = [];
  const surroundings = {
    transport,
    namespace: 'team-a',
    now: () => NOW,
    note: (line: string) => lines.push(line),
    print: (line: string) => lines.push(line),
    interrupted: () => interrupted.signal,
  } as unknown as Parameters<typeof watchCommand.ask>[0];
  const ended = watchCommand.ask(surroundings, { output: 'table' }, []);
  return {
    asked,
    /** READY and REASON of the lines so far. */
    reasons: () => lines.slice(1).map((line) => line.split(/ +/).slice(3, 5).join(' ')),
    happens: (of: keyof typeof streams, type: string, object: object) => {
      streams[of].write(`${JSON.stringify({ type, object })}\n`);
    },
    stop: async () => {
      interrupted.abort();
      for (const stream of Object.values(streams)) stream.end();
      await ended;
    },
  };
}

it('website watch says of a Website that its status cannot be written as soon as the functions say so', async () => {
  const { happens, reasons, asked, stop } = watching({ websites: [site('5')], events: [] });
  await eventually(() => expect(reasons()).toEqual(['Unknown NotSeenYet']));
  happens('events', 'ADDED', event('5'));
  await eventually(() => expect(reasons()).toEqual(['Unknown NotSeenYet', 'Unknown StatusNotWritten']));
  happens('websites', 'MODIFIED', site('6'));
  await eventually(() => expect(reasons().at(-1)).toBe('Unknown NotSeenYet'));
  happens('events', 'ADDED', event('6'));
  await eventually(() => expect(reasons().at(-1)).toBe('Unknown StatusNotWritten'));
  await stop();
  const about = asked.filter((path) => path.includes('/events?'));
  expect(about).toEqual(Array(2).fill(expect.stringContaining('fieldSelector=reason%3DStatusNotWritten')));
});

it('website watch reads an Event that came before the version that it is about', async () => {
  const { happens, reasons, asked, stop } = watching({ websites: [site('5', 1)], events: [event('7'), event('6')] });
  await eventually(() => expect(asked).toContainEqual(expect.stringMatching(/events\?.*watch=1/)));
  await eventually(() => expect(reasons()).toHaveLength(1));
  happens('websites', 'MODIFIED', site('7'));
  await eventually(() => expect(reasons()).toHaveLength(2));
  await stop();
  expect(reasons().at(-1)).toBe('Unknown StatusNotWritten');
});

it('website watch takes an Event for another Website of the name, or an older version, as nothing', async () => {
  const { happens, reasons, stop } = watching({ websites: [site('5')], events: [event('4'), event('5', 'uid-0')] });
  await eventually(() => expect(reasons()).toEqual(['Unknown NotSeenYet']));
  happens('websites', 'DELETED', site('5'));
  await eventually(() => expect(reasons()).toHaveLength(2));
  await stop();
  expect(reasons()[0]).toBe('Unknown NotSeenYet');
});

it('website watch forgets what an Event said once the API server deletes the last one that says so', async () => {
  const other = aWebsite({ metadata: { name: 'other', uid: 'uid-3', resourceVersion: '5' } });
  const events = [event('5', 'uid-1', '9'), event('5', 'uid-1', '8'), event('7', 'uid-2')];
  const { happens, reasons, asked, stop } = watching({ websites: [site('5'), other], events });
  const count = (reason: string) => reasons().filter((each) => each === `Unknown ${reason}`).length;
  await eventually(() => expect(count('StatusNotWritten')).toBe(1));
  await eventually(() => expect(asked).toContainEqual(expect.stringMatching(/events\?.*watch=1/)));
  const before = count('NotSeenYet');
  happens('events', 'DELETED', deleted(event('5', 'uid-1', '8')));
  // The Website that it was about was deleted before.
  happens('events', 'DELETED', deleted(event('7', 'uid-2')));
  happens('events', 'ADDED', event('5', 'uid-3', '20'));
  await eventually(() => expect(count('StatusNotWritten')).toBe(2));
  expect(count('NotSeenYet')).toBe(before);
  happens('events', 'DELETED', deleted(event('5', 'uid-1', '9')));
  await eventually(() => expect(count('NotSeenYet')).toBe(before + 1));
  happens('websites', 'ADDED', aWebsite({ metadata: { name: 'late', uid: 'uid-2', resourceVersion: '7' } }));
  await eventually(() => expect(count('NotSeenYet')).toBe(before + 2));
  await stop();
});

it('website watch forgets what the next list of Events does not contain', async () => {
  const lists = { websites: [site('5')], events: [event('5')] };
  const { happens, reasons, stop } = watching(lists);
  await eventually(() => expect(reasons().at(-1)).toBe('Unknown StatusNotWritten'));
  lists.events = [];
  happens('events', 'ERROR', { kind: 'Status', code: 410, reason: 'Expired', metadata: {} });
  await eventually(() => expect(reasons().at(-1)).toBe('Unknown NotSeenYet'));
  await stop();
});

it('website watch shows the Websites to a user who may not read Events', async () => {
  const { happens, reasons, stop } = watching({ websites: [site('5')] });
  await eventually(() => expect(reasons()).toEqual(['Unknown NotSeenYet']));
  happens('websites', 'DELETED', site('5'));
  await eventually(() => expect(reasons()).toHaveLength(2));
  await stop();
});
