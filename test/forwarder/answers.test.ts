import { describe, expect, it } from 'vitest';
import { answers } from '../../infra/forwarder/answers.ts';
import type { Change } from '../../infra/forwarder/watch/change.ts';

const key = { namespace: 'team-a', name: 'shop' };
const change = (versions?: Change['versions']): Change => ({
  kind: 'drifted',
  key,
  uid: 'u',
  id: 'u.1',
  reason: 'child-drifted',
  ...(versions === undefined ? {} : { versions }),
});

describe('An answer of the sink based on Website 20, Deployment 15 and Service 9', () => {
  const known = answers();
  const answer = { versions: { Website: '20', Deployment: '15', Service: '9' }, requeueAfterSeconds: 120 };
  known.note(key, answer);

  it.each([
    ['Deployment 15', { Deployment: '15' }],
    ['Deployment 14', { Deployment: '14' }],
    ['Deployment 9, which has fewer digits', { Deployment: '9' }],
    ['Website 20', { Website: '20' }],
    ['Website 19 and Service 9', { Website: '19', Service: '9' }],
  ])('covers a change of %s', (_, versions) => {
    expect(known.covering(change(versions))).toBe(answer);
  });

  it.each([
    ['Deployment 16', { Deployment: '16' }],
    ['Deployment 100, which has more digits', { Deployment: '100' }],
    ['an Ingress, of which the answer has no version', { Ingress: '3' }],
    ['Service 9 and Website 21', { Service: '9', Website: '21' }],
    ['a deleted child', { Deployment: 'gone' }],
    ['no object', {}],
    ['unknown versions', undefined],
  ])('does not cover a change of %s', (_, versions) => {
    expect(known.covering(change(versions))).toBeUndefined();
  });

  it('does not cover a change of another Website', () => {
    const other = { ...change({ Deployment: '1' }), key: { ...key, name: 'blog' } };
    expect(known.covering(other)).toBeUndefined();
  });
});

describe('A wrong answer of the sink', () => {
  const seen = (known: ReturnType<typeof answers>, version: string) =>
    known.covering({ ...change(), resourceVersion: version });

  it.each([
    ['a version far ahead of every version seen', { Website: '2000000' }],
    ['the longest version that a header may have', { Website: '9'.repeat(20) }],
    ['a far version of another kind', { Website: '1001', Service: '5000000' }],
  ])('covers nothing if it claims %s', (_, versions) => {
    const known = answers();
    seen(known, '1000');
    known.note(key, { versions });
    expect(known.covering(change({ Website: '1001' }))).toBeUndefined();
  });

  it('may name a version that the cluster may have reached by now', () => {
    const known = answers();
    seen(known, '1000');
    known.covering(change({ Deployment: 'gone' }));
    known.note(key, { versions: { Deployment: '500000' } });
    expect(known.covering(change({ Deployment: '499999' }))).toBeDefined();
  });

  it('covers changes for half a minute only', () => {
    let now = 0;
    const known = answers(() => now);
    known.note(key, { versions: { Website: '1000' } });
    now = 30_000;
    expect(known.covering(change({ Website: '5' }))).toBeDefined();
    now = 30_001;
    expect(known.covering(change({ Website: '6' }))).toBeUndefined();
  });
});

it('An answer of the sink without versions covers no change, and keeps the previous answer valid', () => {
  const known = answers();
  known.note(key, {});
  expect(known.covering(change({ Website: '1' }))).toBeUndefined();
  known.note(key, { versions: { Website: '5' } });
  known.note(key, {});
  expect(known.covering(change({ Website: '5' }))).toBeDefined();
});

it('P8: the forwarder keeps only the latest 1,024 answers', () => {
  const known = answers();
  const keyOf = (index: number) => ({ ...key, name: `site-${index}` });
  for (let index = 0; index < 3_000; index++) known.note(keyOf(index), { versions: { Website: '1' } });
  const isKept = (index: number) => known.covering({ ...change({ Website: '1' }), key: keyOf(index) }) !== undefined;
  const kept = Array.from({ length: 3_000 }, (_, index) => index).filter(isKept);
  expect(kept).toEqual(Array.from({ length: 1_024 }, (_, index) => 3_000 - 1_024 + index));
});
