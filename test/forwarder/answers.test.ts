import { describe, expect, it } from 'vitest';
import { answers } from '../../infra/forwarder/answers.ts';
import type { Change } from '../../infra/forwarder/watch/known.ts';

const key = { namespace: 'team-a', name: 'shop' };
const change = (versions?: Change['versions']): Change => ({
  kind: 'drifted',
  key,
  uid: 'u',
  id: 'u.1',
  reason: 'child-drifted',
  ...(versions === undefined ? {} : { versions }),
});

describe('an answer that rests on Website 20, Deployment 15 and Service 9', () => {
  const known = answers();
  const answer = { versions: { Website: '20', Deployment: '15', Service: '9' }, requeueAfterSeconds: 120 };
  known.note(key, answer);

  it.each([
    ['the Deployment that it wrote', { Deployment: '15' }],
    ['the Deployment before that', { Deployment: '14' }],
    ['one with fewer digits', { Deployment: '9' }],
    ['the Website that it judged', { Website: '20' }],
    ['several of them', { Website: '19', Service: '9' }],
  ])('knew of %s', (_, versions) => {
    expect(known.covering(change(versions))).toBe(answer);
  });

  it.each([
    ['a later Deployment', { Deployment: '16' }],
    ['one with more digits', { Deployment: '100' }],
    ['an Ingress', { Ingress: '3' }],
    ['a Service together with a later Website', { Service: '9', Website: '21' }],
    ['a child that is gone', { Deployment: 'gone' }],
    ['nothing that has a version', {}],
    ['a look that is needed whatever was known', undefined],
  ])('did not know of %s', (_, versions) => {
    expect(known.covering(change(versions))).toBeUndefined();
  });

  it('says nothing of another Website', () => {
    const other = { ...change({ Deployment: '1' }), key: { ...key, name: 'blog' } };
    expect(known.covering(other)).toBeUndefined();
  });
});

describe('an answer that is wrong', () => {
  const seen = (known: ReturnType<typeof answers>, version: string) =>
    known.covering({ ...change(), resourceVersion: version });

  it.each([
    ['a version far ahead of all that was seen', { Website: '2000000' }],
    ['the longest that a header may have', { Website: '9'.repeat(20) }],
    ['such a version of another kind', { Website: '1001', Service: '5000000' }],
  ])('covers nothing where it claims %s', (_, versions) => {
    const known = answers();
    seen(known, '1000');
    known.note(key, { versions });
    expect(known.covering(change({ Website: '1001' }))).toBeUndefined();
  });

  it('may be ahead as far as the cluster itself may be', () => {
    const known = answers();
    seen(known, '1000');
    known.covering(change({ Deployment: 'gone' }));
    known.note(key, { versions: { Deployment: '500000' } });
    expect(known.covering(change({ Deployment: '499999' }))).toBeDefined();
  });

  it('covers changes for half a minute', () => {
    let now = 0;
    const known = answers(() => now);
    known.note(key, { versions: { Website: '1000' } });
    now = 30_000;
    expect(known.covering(change({ Website: '5' }))).toBeDefined();
    now = 30_001;
    expect(known.covering(change({ Website: '6' }))).toBeUndefined();
  });
});

it('an answer of a sink that does not say what it knew covers nothing, and voids nothing', () => {
  const known = answers();
  known.note(key, {});
  expect(known.covering(change({ Website: '1' }))).toBeUndefined();
  known.note(key, { versions: { Website: '5' } });
  known.note(key, {});
  expect(known.covering(change({ Website: '5' }))).toBeDefined();
});

it('P8: keeps the latest answers, and no more than a thousand or so', () => {
  const known = answers();
  const keyOf = (index: number) => ({ ...key, name: `site-${index}` });
  for (let index = 0; index < 3_000; index++) known.note(keyOf(index), { versions: { Website: '1' } });
  const isKept = (index: number) => known.covering({ ...change({ Website: '1' }), key: keyOf(index) }) !== undefined;
  const kept = Array.from({ length: 3_000 }, (_, index) => index).filter(isKept);
  expect(kept).toEqual(Array.from({ length: 1_024 }, (_, index) => 3_000 - 1_024 + index));
});
