import { describe, expect, it } from 'vitest';
import { gone, made, madeAgain, ready, scaledBack, tracker, updated } from './tracker.ts';
import type { WatchedObject } from '../../infra/forwarder/watch/observer.ts';

const key = { namespace: 'a', name: 'shop' };
const spec = { image: 'nginx:1', replicas: 2 };
const object = (name: string, rest: object = {}): WatchedObject =>
  ({ metadata: { namespace: 'a', name, generation: 1 }, ...rest }) as WatchedObject;
const deployment = (replicas: number, image = 'nginx:1') =>
  object('shop-deployment', { spec: { replicas, template: { spec: { containers: [{ image }] } } } });
const website = (observedGeneration: number, image = 'nginx:1') =>
  object('shop', { spec: { image }, status: { observedGeneration } });

function at() {
  const clock = { now: 100 };
  return { clock, seen: tracker(() => clock.now) };
}

describe('The tracker', () => {
  it('sees a new Website as complete once its children and its status are', async () => {
    const { clock, seen } = at();
    const expectation = seen.expect(key, made(spec));
    clock.now = 105;
    seen.see('deployment', deployment(2), false);
    clock.now = 107;
    seen.see('service', object('shop-service'), false);
    clock.now = 110;
    seen.see('website', website(0), false);
    expect(expectation.missing.size).toBe(1);
    seen.see('website', website(1), false);
    expect(expectation.after).toEqual({ deployment: 5, service: 7, website: 10 });
    await seen.settled(0);
  });

  it('does not count a status before the children that it describes', () => {
    const { clock, seen } = at();
    const { after } = seen.expect(key, updated(spec));
    clock.now = 105;
    seen.see('website', website(1), false);
    clock.now = 107;
    seen.see('deployment', deployment(2), false);
    expect(after).toEqual({ deployment: 7, website: 7 });
  });

  it.each([
    ['with other replicas', deployment(3)],
    ['with another image', deployment(2, 'nginx:2')],
    ['of another Website', { ...deployment(2), metadata: { ...deployment(2).metadata, name: 'blog-deployment' } }],
  ])('does not accept a Deployment %s for a new Website', (_, wrong) => {
    const { seen } = at();
    const { missing } = seen.expect(key, made(spec));
    seen.see('deployment', wrong, false);
    expect([...missing.keys()]).toContain('deployment');
  });
});

it('does not accept the status of the previous spec for an update', () => {
  const { seen } = at();
  const { missing } = seen.expect(key, updated({ ...spec, image: 'nginx:2' }));
  seen.see('website', website(1), false);
  expect(missing.has('website')).toBe(true);
  seen.see('website', website(1, 'nginx:2'), false);
  expect(missing.has('website')).toBe(false);
});

it('counts a repair only after it has seen the damage', () => {
  const { seen } = at();
  const scaled = seen.expect(key, scaledBack(7, 2));
  seen.see('deployment', deployment(2), false);
  expect(scaled.missing.size).toBe(1);
  seen.see('deployment', deployment(7), false);
  seen.see('deployment', deployment(2), false);
  expect(scaled.missing.size).toBe(0);

  const again = seen.expect(key, madeAgain());
  seen.see('deployment', deployment(2), false);
  expect(again.missing.size).toBe(1);
  seen.see('deployment', deployment(2), true);
  seen.see('deployment', deployment(2), false);
  expect(again.missing.size).toBe(0);
});

it('counts a rollout once the status says that the Website is ready', () => {
  const { seen } = at();
  const { missing } = seen.expect(key, ready());
  const isReady = (status: string) => object('shop', { status: { conditions: [{ type: 'Ready', status }] } });
  for (const earlier of [website(1), isReady('False')]) seen.see('website', earlier, false);
  expect(missing.size).toBe(1);
  seen.see('website', isReady('True'), false);
  expect(missing.size).toBe(0);
});

it('stops waiting at the deadline, and keeps the missing object in the list', async () => {
  const { seen } = at();
  const never = seen.expect(key, gone());
  await seen.settled(1);
  seen.see('website', website(1), true);
  expect(never.missing.size).toBe(1);
});
