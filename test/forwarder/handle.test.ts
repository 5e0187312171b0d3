import { describe, expect, it } from 'vitest';
import type { Notice } from '../../infra/forwarder/event.ts';
import { merged } from '../../infra/forwarder/handle.ts';

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

describe('The newer of two notices takes the place of the older', () => {
  it('and tells of what changed in either, so that neither counts as known while the other is news', () => {
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
  ])('and is needed whatever was known, where the %s is', (_, older, newer) => {
    expect(merged(older, newer)).not.toHaveProperty('versions');
  });

  it('and has the Ingress looked at, where either does', () => {
    const older = notice({ childKind: 'Ingress', versions: { Ingress: '3' } });
    const newer = notice({ childKind: 'Service', versions: { Service: '4' } });
    expect(merged(older, newer)).toMatchObject({ childKind: 'Ingress', versions: { Ingress: '3', Service: '4' } });
  });

  it('and has everything read, where either does', () => {
    const older = notice({ kind: 'changed', reads: 'all-children', versions: { Website: '7' } });
    expect(merged(older, notice({ versions: { Deployment: '9' } }))).toMatchObject({ reads: 'all-children' });
  });

  it('but a resync is a resync', () => {
    const resync: Notice = { kind: 'resync', id: 'r', time: '2026-01-01T00:00:00Z' };
    expect(merged(notice(), resync)).toBe(resync);
  });
});
