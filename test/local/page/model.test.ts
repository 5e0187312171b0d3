import { expect, it } from 'vitest';
import type { Condition, WebsiteStatus } from '../../../functions/website/resource.ts';
import { Model } from '../../../infra/local/page/model.ts';
import { aWebsite } from '../../fixtures/websites.ts';
import { reconciled } from './lines.ts';

const condition = (given: Partial<Condition>): Condition => ({
  type: 'Ready',
  status: 'True',
  lastTransitionTime: '2026-01-02T03:04:05Z',
  reason: 'Available',
  message: '2 replicas are available',
  ...given,
});
const status = (conditions: Partial<Condition>[], given: Partial<WebsiteStatus> = {}): WebsiteStatus => ({
  observedGeneration: 1,
  availableReplicas: 2,
  conditions: conditions.map(condition),
  ...given,
});
const ready = aWebsite({ status: status([{}]) });

const model = () => new Model('https://127.0.0.1:1');
function rowOf(website: Parameters<Model['see']>[0]) {
  const one = model();
  one.see(website);
  return one.snapshot().websites[0];
}

it('A row has the state of the Website, the reason, and since when', () => {
  const site = aWebsite({
    status: status([{}], { url: 'http://shop.example.com', replicasSet: 4 }),
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
  });
  expect(rowOf(site)).toEqual({
    key: 'team-a/shop',
    look: 'ready',
    reason: 'Available',
    message: '2 replicas are available',
    image: 'nginx:1.29',
    available: 2,
    desired: 4,
    url: 'http://shop.example.com',
    createdAt: '2026-01-01T00:00:00Z',
    since: '2026-01-02T03:04:05Z',
  });
});

it('A row says that the status cannot be written, until a status is about the newest spec', () => {
  const one = model();
  one.see(aWebsite(), false);
  const unseen = { look: 'unseen', reason: 'NotSeenYet', available: undefined };
  expect(one.snapshot().websites[0]).toMatchObject(unseen);
  one.see(aWebsite(), true);
  expect(one.snapshot().websites[0]).toMatchObject({ look: 'problem', reason: 'StatusNotWritten' });
  one.see(ready, true);
  expect(one.snapshot().websites[0]).toMatchObject({ look: 'ready', reason: 'Available' });
});

const False = { status: 'False' } as const;
it.each([
  ['ready', 'that is ready', ready],
  ['progressing', 'that only needs time', aWebsite({ status: status([False, { type: 'Reconciling' }]) })],
  ['problem', 'that is stalled', aWebsite({ status: status([False, { type: 'Stalled' }]) })],
  ['suspended', 'that is suspended', aWebsite({ status: status([{ status: 'Unknown', reason: 'Suspended' }]) })],
  ['suspended', 'that is suspended and available', aWebsite({ status: status([{ reason: 'Suspended' }]) })],
  ['unseen', 'without a status', aWebsite()],
  ['unseen', 'whose status is about an older spec', aWebsite({ status: status([{}]), metadata: { generation: 2 } })],
  ['deleting', 'that is being deleted', aWebsite({ status: status([{}]), metadata: { deletionTimestamp: 'now' } })],
] as const)('The look is %s for a Website %s', (look, _, website) => {
  expect(rowOf(website)?.look).toBe(look);
});

it('A Website with a missing or invalid spec, which an older CRD admitted, has a row too', () => {
  expect(rowOf(aWebsite({ spec: undefined }))).toMatchObject({ image: '', desired: undefined });
  expect(rowOf(aWebsite({ spec: { image: 7 } }))).toMatchObject({ image: '' });
});

it('Long texts in a row are shortened', () => {
  const long = 'x'.repeat(100_000);
  const row = rowOf(aWebsite({ spec: { image: long }, status: status([{ message: long }]) }));
  expect(JSON.stringify(row).length).toBeLessThan(1_000);
});

it('A message of changes has only what changed since the last one', () => {
  const one = model();
  one.see(ready);
  expect(one.changes().websites).toHaveLength(1);
  // The resourceVersion moves with each write, and the page does not show it.
  one.see({ ...ready, metadata: { ...ready.metadata, resourceVersion: '2' } });
  expect(one.changes()).toEqual({});
  one.see(aWebsite({ status: status([False]) }));
  one.trouble = 'The API server is away';
  one.take(reconciled());
  expect(one.changes()).toMatchObject({
    websites: [{ look: 'progressing' }],
    trouble: 'The API server is away',
    runs: [{ website: 'team-a/shop' }],
  });
  one.forget('team-a/shop');
  one.forget('team-a/unknown');
  expect(one.changes()).toEqual({ gone: ['team-a/shop'] });
});

it('A Website deleted and created again between two messages is in the next one', () => {
  const one = model();
  one.see(ready);
  one.changes();
  one.forget('team-a/shop');
  one.see(ready);
  expect(one.changes()).toMatchObject({ websites: [{ key: 'team-a/shop' }] });
});

it('Of 2,000 Websites, only the changed one is sent, and a message has only the latest 30 runs', () => {
  const one = model();
  const named = (each: number) => ({ metadata: { name: `site-${each}` }, status: status([{}]) });
  for (let each = 0; each < 2_000; each++) {
    one.see(aWebsite(named(each)));
    one.take(reconciled({ name: `site-${each}`, eventId: `uid.${each}` }));
  }
  expect(one.snapshot().websites).toHaveLength(2_000);
  expect(one.snapshot().runs).toHaveLength(30);
  expect(one.changes().runs).toHaveLength(30);
  one.see(aWebsite({ ...named(7), status: status([False]) }));
  expect(one.changes().websites).toHaveLength(1);
});
