// A forwarder of one release sends events to functions of another. They understand each event, or they read everything.
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventOf } from '../../functions/events/cloudevents.ts';
import * as present from '../../functions/events/website-event.ts';
import { CHILD_KINDS, OPTIONAL_KINDS } from '../../functions/website/children/kinds.ts';
import { SCOPES, type Scope } from '../../functions/website/run/scope.ts';
import { eventOf as sentEventOf } from '../../infra/forwarder/event.ts';
import { NOTICES } from '../fixtures/notices.ts';

type Parser = Pick<typeof present, 'requestOf'>;
type Sent = { readonly id: string; readonly data?: Record<string, unknown> };

const PREVIOUS = JSON.parse(readFileSync('test/fixtures/events/previous-release.json', 'utf8')) as Sent[];
const PRESENT = NOTICES.map((notice) =>
  structuredClone(sentEventOf(notice, { cluster: 'prod', extensions: {} }).toJSON()),
) as Sent[];

const requestOf = (sent: Sent, { requestOf: read }: Parser = present) => read(eventOf(sent));
const scopeOf = (sent: Sent, parser?: Parser): Scope | undefined => {
  const request = requestOf(sent, parser);
  return request.kind === 'reconcile' ? request.scope : undefined;
};

/** The children that the functions read after each event. */
const EXPECTED: Readonly<Record<string, Scope | undefined>> = {
  'uid-1.5.first-seen': SCOPES.nothing,
  'uid-1.5.spec-changed': SCOPES.spec,
  'uid-1.5.requested': SCOPES.spec,
  'uid-1.5.retry': SCOPES.asNeeded,
  'uid-1.6.edited': SCOPES.asNeeded,
  'uid-1.7.merged': SCOPES.spec,
  'uid-1.8.deleted': SCOPES.asNeeded,
  'uid-1.uid-2.9.Deployment': SCOPES.carrier,
  'uid-1.uid-2.9.Service': SCOPES.asNeeded,
  ...Object.fromEntries(OPTIONAL_KINDS.map(({ kind }) => [`uid-1.uid-2.9.${kind}`, SCOPES.everything])),
  'uid-1.uid-2.10.merged': SCOPES.everything,
  'resync.1.2.3': undefined,
};

describe("The functions understand this event of the last release's forwarder:", () => {
  it.each(PREVIOUS.map((sent) => [sent.id, sent] as const))('%s', (id, sent) => {
    expect(scopeOf(sent)).toEqual(EXPECTED[id]);
  });
});

describe('The forwarder of this release', () => {
  it.each(PRESENT.map((sent) => [sent.id, sent] as const))('sends %s', (id, sent) => {
    expect(scopeOf(sent)).toEqual(EXPECTED[id]);
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
    for (const sent of PRESENT) expect([sent.id, scopeOf(sent, older)]).toEqual([sent.id, EXPECTED[sent.id]]);
    const both = { ...PRESENT[1], data: { ...PRESENT[1]?.data, changed: ['Website', newest] } } as Sent;
    expect(scopeOf(both, older)).toEqual(SCOPES.everything);
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
    expect(scopeOf({ ...sent, data: { ...sent.data, ...data } })).toEqual(SCOPES.everything);
  });

  it('an unknown reason, which they do not pass on', () => {
    expect(requestOf({ ...sent, data: { ...sent.data, reason: 'route-changed' } })).toMatchObject({
      reason: undefined,
    });
  });
});
