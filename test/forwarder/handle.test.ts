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
