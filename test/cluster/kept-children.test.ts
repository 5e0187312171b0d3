import { beforeEach, describe, expect, it } from 'vitest';
import { keeping, KeptChildren } from '../../functions/cluster/kept-children.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { desiredChild } from '../fixtures/children.ts';
import { aWebsite } from '../fixtures/websites.ts';
import { MemoryCluster } from './memory.ts';

const key = { namespace: 'team-a', name: 'shop' };
const deployment = (resourceVersion: string, { name = 'shop', text = '' } = {}): Deployment => ({
  ...(desiredChild('Deployment', aWebsite()) as unknown as Deployment),
  metadata: { ...key, name: `${name}-deployment`, uid: 'u', resourceVersion, annotations: { text } },
});

let kept: KeptChildren;
beforeEach(() => {
  kept = new KeptChildren();
});

describe('A copy', () => {
  it.each([
    ['of the version that the event names is kept', '100', '100', true],
    ['of a newer version is kept', '99', '100', true],
    ['of an older version is not', '101', '100', false],
    ['of a version with fewer digits is not', '1000', '999', false],
    ['is not kept for an event that names no version', undefined, '100', false],
    ['is not kept for a version that is no number', 'x', '100', false],
  ])('%s', (_, seen, version, isKept) => {
    kept.note(deployment(version));
    expect(kept.of(key, { Deployment: seen })).toEqual(isKept ? { Deployment: deployment(version) } : undefined);
  });

  it('is not given to a run whose event says that the Deployment is gone', () => {
    kept.note(deployment('100'));
    expect(kept.of(key, { Deployment: null })).toEqual({ Deployment: undefined });
  });

  it('leaves out managedFields, which an update does not send', () => {
    const stored = deployment('100');
    kept.note({ ...stored, metadata: { ...stored.metadata, managedFields: [{ manager: 'x', fieldsV1: {} }] } });
    expect(kept.of(key, { Deployment: '100' })).toEqual({ Deployment: stored });
  });

  it('of another Website is not kept', () => {
    kept.note(deployment('100', { name: 'shop-2' }));
    expect(kept.of(key, { Deployment: '100' })).toBeUndefined();
  });

  it('that was noted last replaces the previous one, whatever its version: etcd may have been restored', () => {
    kept.note(deployment('100'));
    kept.note(deployment('50', { text: 'restored' }));
    expect(kept.of(key, { Deployment: '50' })).toEqual({ Deployment: deployment('50', { text: 'restored' }) });
    expect(kept.of(key, { Deployment: '100' })).toBeUndefined();
  });

  it('cannot be changed by who gets it', () => {
    kept.note(deployment('100'));
    Object.assign(kept.of(key, { Deployment: '100' })?.Deployment?.metadata ?? {}, { uid: 'other' });
    expect(kept.of(key, { Deployment: '100' })).toEqual({ Deployment: deployment('100') });
  });
});

describe('The memory is bounded:', () => {
  const text = 'x'.repeat(60_000);
  const isKept = (name: string) => kept.of({ ...key, name }, { Deployment: '1' }) !== undefined;

  it('the oldest copies go first', () => {
    for (let index = 0; index < 100; index++) kept.note(deployment('1', { name: `shop-${index}`, text }));
    expect(isKept('shop-0')).toBe(false);
    expect(isKept('shop-99')).toBe(true);
    const many = Array.from({ length: 100 }, (_, index) => `shop-${index}`).filter(isKept);
    expect(many.length * text.length).toBeGreaterThan(3 * 1024 * 1024);
    expect(many.length * text.length).toBeLessThan(4 * 1024 * 1024);
  });

  it('a copy that is replaced counts once', () => {
    kept.note(deployment('1', { name: 'first' }));
    for (let index = 0; index < 100; index++) kept.note(deployment('1', { text }));
    expect(isKept('first')).toBe(true);
  });

  it('a large object is not kept, and neither is what it replaces', () => {
    kept.note(deployment('1'));
    kept.note(deployment('2', { text: 'x'.repeat(70_000) }));
    expect(isKept('shop')).toBe(false);
  });
});

it('Every Deployment that was read or written is kept, and no other kind', async () => {
  const memory = new MemoryCluster();
  const cluster = keeping(memory, kept);
  const website = memory.apply(key, { image: 'nginx:1', replicas: 1 });
  const created = await cluster.create(desiredChild('Deployment', website));
  await cluster.create(desiredChild('Service', website));
  expect(kept.of(key, { Deployment: created.metadata.resourceVersion })).toEqual({ Deployment: created });

  const replaced = await cluster.replace({ ...created, metadata: { ...created.metadata, labels: { a: 'b' } } });
  expect(kept.of(key, { Deployment: created.metadata.resourceVersion })).toEqual({ Deployment: replaced });

  memory.edit(replaced, { metadata: { ...replaced.metadata, labels: { a: 'c' } } });
  const edited = await cluster.getChild('Deployment', key);
  await cluster.getChild('Service', key);
  expect(kept.of(key, { Deployment: '1' })).toEqual({ Deployment: edited });
});
