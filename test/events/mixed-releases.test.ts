// A forwarder of one release sends events to functions of another. They understand each event, or they read everything.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventOf } from '../../functions/events/cloudevents.ts';
import * as present from '../../functions/events/website-event.ts';
import { CHILD_KINDS, OPTIONAL_KINDS } from '../../functions/website/children/kinds.ts';
import {
  AS_NEEDED,
  AT_CARRIER,
  AT_EVERYTHING,
  AT_NOTHING,
  AT_SPEC,
  type Look,
} from '../../functions/website/run/look.ts';
import { eventOf as sentEventOf } from '../../infra/forwarder/event.ts';
import { NOTICES } from '../fixtures/notices.ts';

type Parser = Pick<typeof present, 'requestOf'>;
type Sent = { readonly id: string; readonly data?: Record<string, unknown> };

const PREVIOUS = JSON.parse(readFileSync('test/fixtures/events/previous-release.json', 'utf8')) as Sent[];
const PRESENT = NOTICES.map((notice) =>
  structuredClone(sentEventOf(notice, { cluster: 'prod', extensions: {} }).toJSON()),
) as Sent[];

const requestOf = (sent: Sent, { requestOf: read }: Parser = present) => read(eventOf(sent));
const lookOf = (sent: Sent, parser?: Parser): Look | undefined => {
  const request = requestOf(sent, parser);
  return request.kind === 'reconcile' ? request.look : undefined;
};

/** The children that the functions read after each event. */
const LOOKS: Readonly<Record<string, Look | undefined>> = {
  'uid-1.5.first-seen': AT_NOTHING,
  'uid-1.5.spec-changed': AT_SPEC,
  'uid-1.5.requested': AT_SPEC,
  'uid-1.5.retry': AS_NEEDED,
  'uid-1.6.edited': AS_NEEDED,
  'uid-1.7.merged': AT_SPEC,
  'uid-1.8.deleted': AS_NEEDED,
  'uid-1.uid-2.9.Deployment': AT_CARRIER,
  'uid-1.uid-2.9.Service': AS_NEEDED,
  ...Object.fromEntries(OPTIONAL_KINDS.map(({ kind }) => [`uid-1.uid-2.9.${kind}`, AT_EVERYTHING])),
  'uid-1.uid-2.10.merged': AT_EVERYTHING,
  'resync.1.2.3': undefined,
};

describe("The functions understand this event of the last release's forwarder:", () => {
  it.each(PREVIOUS.map((sent) => [sent.id, sent] as const))('%s', (id, sent) => {
    expect(lookOf(sent)).toEqual(LOOKS[id]);
  });
});

describe('The forwarder of this release', () => {
  it.each(PRESENT.map((sent) => [sent.id, sent] as const))('sends %s', (id, sent) => {
    expect(lookOf(sent)).toEqual(LOOKS[id]);
  });
});

describe('Functions that do not know the newest kind of child', () => {
  const newest = CHILD_KINDS.at(-1);
  afterEach(() => {
    vi.doUnmock('../../functions/website/children/kinds.ts');
    vi.resetModules();
  });

  it('read everything after a change of that kind, and the usual children after any other change', async () => {
    vi.resetModules();
    vi.doMock(import('../../functions/website/children/kinds.ts'), async (original) => {
      const kinds = await original();
      return { ...kinds, isChildKind: (text): text is never => text !== newest && kinds.isChildKind(text) };
    });
    const older = await import('../../functions/events/website-event.ts');
    expect(older.requestOf).not.toBe(present.requestOf);
    for (const sent of PRESENT) expect([sent.id, lookOf(sent, older)]).toEqual([sent.id, LOOKS[sent.id]]);
    const both = { ...PRESENT[1], data: { ...PRESENT[1]?.data, changed: ['Website', newest] } } as Sent;
    expect(lookOf(both, older)).toEqual(AT_EVERYTHING);
    expect(older.versionsFrom(`Website=1, ${newest}=2, Service=3`)).toEqual({ Website: '1', Service: '3' });
  });
});

describe('The functions read everything if an event has', () => {
  const [, sent] = PRESENT as [Sent, Sent];
  it.each([
    ['an unknown reason', { reason: 'route-changed' }],
    ['an unknown kind of child', { childKind: 'TCPRoute' }],
    ['an unknown kind beside known ones', { changed: ['Website', 'TCPRoute'] }],
    ['the name of a property that every object inherits as its kind', { childKind: 'constructor' }],
  ])('%s', (_, data) => {
    expect(lookOf({ ...sent, data: { ...sent.data, ...data } })).toEqual(AT_EVERYTHING);
  });

  it('an unknown reason, which they do not pass on', () => {
    expect(requestOf({ ...sent, data: { ...sent.data, reason: 'route-changed' } })).toMatchObject({
      reason: undefined,
    });
  });
});
