import { describe, expect, it } from 'vitest';
import { EVENT_TYPES, InvalidEventError, requestOf, subjectOf } from '../../functions/events/website-event.ts';
import { OPTIONAL_KINDS } from '../../functions/website/children/kinds.ts';
import { SCOPES } from '../../functions/website/run/scope.ts';

const data = {
  apiVersion: 'stable.example.com/v1',
  kind: 'Website',
  namespace: 'team-a',
  name: 'shop',
  uid: 'uid-1',
  resourceVersion: '5',
  reason: 'spec-changed',
};
const event = ({ data: read = data, ...given }: { data?: unknown; type?: string; subject?: string } = {}) => ({
  id: '1',
  source: '/x',
  type: EVENT_TYPES.changed,
  data: () => read,
  ...given,
});
/** Data that is not needed must not be parsed: it may be anything. */
const unread = () => {
  throw new Error('The data was read');
};

describe('An event of our forwarder', () => {
  it.each([EVENT_TYPES.changed, EVENT_TYPES.deleted, EVENT_TYPES.drifted])(
    'of type %s asks for a reconcile',
    (type) => {
      expect(requestOf(event({ type }))).toMatchObject({
        kind: 'reconcile',
        key: { namespace: 'team-a', name: 'shop' },
      });
    },
  );

  it.each([
    ['namespace', { namespace: '../kube-system' }, 'data.namespace: must be a DNS label'],
    ['name', { name: 'a/../b' }, 'data.name: must be a DNS subdomain'],
    ['kind', { kind: 'Secret' }, 'data.kind: '],
    ['uid', { uid: undefined }, 'data.uid: '],
  ])('with a bad %s is refused, and the error names the field', (_, bad, message) => {
    expect(() => requestOf(event({ data: { ...data, ...bad } }))).toThrow(InvalidEventError);
    expect(() => requestOf(event({ data: { ...data, ...bad } }))).toThrow(message);
  });

  it('without data is refused', () => {
    expect(() => requestOf({ ...event(), data: () => undefined })).toThrow('data: ');
  });

  it.each(['9'.repeat(21), 'yesterday', '', 7, null])(
    'with the version %j asks for a reconcile without a version',
    (resourceVersion) => {
      expect(requestOf(event({ data: { ...data, resourceVersion } }))).toMatchObject({
        kind: 'reconcile',
        resourceVersion: undefined,
      });
    },
  );

  it.each<[string, unknown, unknown]>([
    ['a version', { Deployment: '7' }, { Deployment: '7' }],
    ['a Deployment that is gone', { Deployment: null }, { Deployment: null }],
    ['versions of a newer release', { Deployment: '7', Website: '8', TCPRoute: '9' }, { Deployment: '7' }],
    ['a word', { Deployment: 'latest' }, { Deployment: undefined }],
    ['a number', { Deployment: 7 }, { Deployment: undefined }],
    ['a list', ['7'], undefined],
    ['text', '7', undefined],
    ['nothing', null, undefined],
  ])('may name versions of children: %s', (_, versions, understood) => {
    const request = requestOf(event({ data: { ...data, versions } }));
    expect(request).toMatchObject({ kind: 'reconcile', key: { name: 'shop' } });
    expect('versions' in request ? request.versions : 'none').toEqual(understood);
  });

  it.each([
    { reason: 7 },
    { reason: undefined },
    { reason: 'of a newer release' },
    { childKind: {} },
    { childKind: 'HTTPRoute2' },
    { changed: [null] },
    { changed: 'Deployment' },
    { changed: ['Deployment', 7] },
    { reason: 'first-seen', changed: ['OfANewerRelease'] },
  ])('with the hint %j makes the functions read everything', (hint) => {
    const about = { ...data, changed: ['Website'], ...hint };
    expect(requestOf(event({ data: about }))).toMatchObject({ kind: 'reconcile', scope: SCOPES.everything });
  });

  it.each([-1, 1.5, 'two', null, {}])('with the generation %j is understood', (generation) => {
    expect(requestOf(event({ data: { ...data, generation } }))).toMatchObject({ kind: 'reconcile' });
  });

  it.each([undefined, ['Deployment'], ['Website', 'Service']])(
    'about an optional child makes the functions read everything, with %j as the changed kinds',
    (changed) => {
      for (const { kind } of OPTIONAL_KINDS) {
        const about = { ...data, reason: 'retry', childKind: kind, changed };
        expect(requestOf(event({ data: about }))).toMatchObject({ scope: SCOPES.everything });
      }
    },
  );

  it('passes on nothing of a forged spec', () => {
    const forged = { ...data, spec: { image: 'evil', replicas: 1000 } };
    expect(JSON.stringify(requestOf(event({ data: forged })))).not.toContain('evil');
  });
});

describe("An event of Knative's ApiServerSource", () => {
  const subject = subjectOf({ namespace: 'team-a', name: 'shop' });

  it.each(['resource.add', 'resource.update', 'resource.delete', 'ref.add', 'ref.update', 'ref.delete'])(
    'of type %s asks for a reconcile of its subject',
    (suffix) => {
      const request = requestOf({ ...event({ type: `dev.knative.apiserver.${suffix}`, subject }), data: unread });
      expect(request).toEqual({ kind: 'reconcile', key: { namespace: 'team-a', name: 'shop' } });
    },
  );

  it('about another kind of object is ignored', () => {
    const other = '/apis/apps/v1/namespaces/team-a/deployments/shop';
    expect(requestOf(event({ type: 'dev.knative.apiserver.ref.add', subject: other }))).toMatchObject({
      kind: 'ignore',
    });
  });

  it('without a subject is refused', () => {
    expect(() => requestOf(event({ type: 'dev.knative.apiserver.ref.add' }))).toThrow('subject is missing');
  });

  it('with an invalid name in its subject is refused', () => {
    const bad = subject.replace('shop', '%2e%2e');
    expect(() => requestOf(event({ type: 'dev.knative.apiserver.ref.add', subject: bad }))).toThrow('subject.name');
  });
});

it.each([
  [EVENT_TYPES.resync, 'its cluster'],
  ['dev.knative.sources.ping', 'all clusters'],
])('An event of type %s asks for a resync of %s', (type, of) => {
  expect(requestOf({ ...event({ type }), data: unread })).toEqual({ kind: 'resync', of });
});

it('An event of an unknown type is ignored, with the type in the explanation', () => {
  expect(requestOf({ ...event({ type: 'com.example.other' }), data: unread })).toEqual({
    kind: 'ignore',
    why: 'unknown event type "com.example.other"',
  });
});
