import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Log } from '../../functions/telemetry/log.ts';
import { Thinned } from '../../functions/telemetry/thinned.ts';
import type { Notice, WebsiteEvent } from '../../infra/forwarder/event.ts';
import { handlerOf, merged, type Sender } from '../../infra/forwarder/handle.ts';

const key = { namespace: 'team-a', name: 'shop' };
const notice = (rest: Partial<Extract<Notice, { kind: 'changed' | 'deleted' | 'drifted' }>> = {}): Notice => ({
  kind: 'drifted',
  key,
  uid: 'u',
  id: 'u.1',
  reason: 'child-drifted',
  time: '2026-01-01T00:00:00Z',
  ...rest,
});

describe('The notice merged from two', () => {
  it('has the versions of both, so that neither change counts as known while the other is new', () => {
    const versions = { Website: '7', Deployment: '3' };
    const older = notice({ kind: 'changed', reason: 'spec-changed', childKind: 'Service', versions });
    const newer = notice({ childKind: 'Deployment', versions: { Deployment: '9' } });
    expect(merged(older, newer)).toMatchObject({
      kind: 'drifted',
      childKind: 'Deployment',
      versions: { Website: '7', Deployment: '9' },
    });
  });

  it.each([
    ['older', notice({ kind: 'deleted' }), notice({ versions: { Website: '9' } })],
    ['newer', notice({ versions: { Website: '9' } }), notice({ kind: 'deleted' })],
  ])('has no versions if the %s notice has none', (_, older, newer) => {
    expect(merged(older, newer)).not.toHaveProperty('versions');
  });

  it('names the Ingress if either notice does', () => {
    const older = notice({ childKind: 'Ingress', versions: { Ingress: '3' } });
    const newer = notice({ childKind: 'Service', versions: { Service: '4' } });
    expect(merged(older, newer)).toMatchObject({ childKind: 'Ingress', versions: { Ingress: '3', Service: '4' } });
  });

  it('reads all children if either notice does', () => {
    const older = notice({ kind: 'changed', reads: 'all-children', versions: { Website: '7' } });
    expect(merged(older, notice({ versions: { Deployment: '9' } }))).toMatchObject({ reads: 'all-children' });
  });

  it('is a resync if the newer one is a resync', () => {
    const resync: Notice = { kind: 'resync', id: 'r', time: '2026-01-01T00:00:00Z' };
    expect(merged(notice(), resync)).toBe(resync);
  });
});

/** Sends to a sink that accepts everything with this answer. */
const accepting = (answer: object, sent: WebsiteEvent[] = []): Sender =>
  answering({ kind: 'accepted', ...answer }, { info() {} }, sent);

/** Sends to a sink that answers everything so. */
function answering(delivery: object, given: object, sent: WebsiteEvent[] = []): Sender {
  const log = given as Log;
  const note = { inc() {}, observe() {} };
  return {
    config: { cluster: 'test', extensions: {}, timeoutMs: 1 },
    sink: {
      send: async (event: WebsiteEvent) => {
        sent.push(event);
        return delivery;
      },
    },
    log,
    metrics: { events: note, duration: note, queued: note, retries: note, eventLoop: { begin: () => () => {} } },
    tracing: { traceparentOf() {}, answered() {} },
    thinned: new Thinned(log),
  } as unknown as Sender;
}

it('A requeue that the sink asks for is a look, with an event of its own', async () => {
  const handle = handlerOf(accepting({ requeueAfterSeconds: 5 }), () => undefined);
  expect(await handle(notice(), 1, 0)).toMatchObject({
    next: { afterMs: 5_000, item: { key, reason: 'retry' } },
  });
});

it('Each wait in the queue ends in a delivery or in a change that was not sent, as the metrics count them', async () => {
  const counts = { queued: 0, duration: 0, superseded: 0 };
  const counting = (name: keyof typeof counts) => {
    const count = () => void counts[name]++;
    return { inc: count, observe: count };
  };
  const sent: WebsiteEvent[] = [];
  const sender = accepting({ versions: { Deployment: '5' } }, sent);
  const counters = { queued: counting('queued'), duration: counting('duration'), superseded: counting('superseded') };
  Object.assign(sender.metrics, counters);
  const handle = handlerOf(sender, () => undefined);
  for (const Deployment of ['4', '5', '6']) await handle(notice({ versions: { Deployment } }), 1, 0);
  expect(counts).toEqual({ queued: 3, duration: 2, superseded: 1 });
  expect(sent).toHaveLength(2);
});

it('The log warns of a delivery once its retry has failed too, at the 2nd attempt, the 4th and so on', async () => {
  const lines: unknown[] = [];
  const at = (level: string) => (fields: object, message: string) => lines.push([level, fields, message]);
  const log = { info: at('info'), warn: at('warn') };
  const handle = handlerOf(answering({ kind: 'failed', why: 'HTTP 503' }, log), () => undefined);
  for (const attempt of [1, 2, 3, 4, 5]) await handle(notice(), attempt, 0);
  const line = (level: string, attempt: number) => [
    level,
    expect.objectContaining({ attempt, why: 'HTTP 503' }),
    'Could not deliver event',
  ];
  expect(lines).toEqual([line('info', 1), line('warn', 2), line('warn', 4)]);
});

it('If many deliveries fail for one reason, the log names the first, and counts the others at its next line', async () => {
  const lines: { readonly level: string; readonly leftOut?: number; readonly why: string }[] = [];
  const at = (level: string) => (fields: { why: string }) => lines.push({ level, ...fields });
  const log = { debug: at('debug'), info: at('info'), warn: at('warn') };
  const answers = [...Array.from({ length: 300 }, () => 'refused'), 'denied', 'refused'];
  const sender = answering({}, log);
  const sink = { ...sender.sink, send: async () => ({ kind: 'failed', why: answers.shift() ?? '' }) as const };
  const handle = handlerOf({ ...sender, sink }, () => undefined);
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  for (let each = 0; each < 301; each++) await handle(notice({ key: { ...key, name: `site-${each}` } }), 2, 0);
  const shown = lines.filter(({ level }) => level === 'warn');
  expect(shown.map(({ why }) => why)).toEqual([...Array.from({ length: 20 }, () => 'refused'), 'denied']);
  expect(lines.filter(({ level }) => level === 'debug')).toHaveLength(280);
  vi.advanceTimersByTime(5_000);
  await handle(notice({ key: { ...key, name: 'late' } }), 2, 0);
  expect(lines.at(-1)).toMatchObject({ level: 'warn', why: 'refused', leftOut: 280 });
});

describe('The event names the Deployment that the forwarder last saw', () => {
  const versionsSentWith = async (given: Notice, version?: string | null) => {
    const sent: WebsiteEvent[] = [];
    const seen = version === undefined ? undefined : { Deployment: version };
    await handlerOf(accepting({}, sent), () => seen)(given, 1, 0);
    return sent.map(({ data }) => data?.versions);
  };
  const changed = notice({ kind: 'changed', reason: 'spec-changed' });
  const gone = notice({ versions: { Deployment: '7' } });

  it.each<[string, Notice, string | null | undefined, object | undefined]>([
    ['after a change of the spec', changed, '7', { Deployment: '7' }],
    ['if it saw one', changed, undefined, undefined],
    ['not after a change of a child, which has to be read', notice(), '7', undefined],
    ['or that it is gone, after its deletion', gone, null, { Deployment: null }],
    ['but not if it exists again', gone, '8', undefined],
    ['nor if it belongs to somebody else', gone, undefined, undefined],
    ['nor after a change of another child', notice({ versions: { Service: '7' } }), null, undefined],
    ['nor if a list revealed it', notice(), null, undefined],
    ['nor after a change of the spec', changed, null, undefined],
    ['not for a Website without children', notice({ kind: 'changed', reason: 'first-seen' }), '7', undefined],
  ])('%s', async (_, given, version, expected) => {
    expect(await versionsSentWith(given, version)).toEqual([expected]);
  });
});
