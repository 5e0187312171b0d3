import { expect, it } from 'vitest';
import { Store } from '../../../infra/local/page/browser/store.js';
import type { Run, Snapshot, WebsiteRow } from '../../../infra/local/page/shown.ts';

const row = (key: string, given: Partial<WebsiteRow> = {}): WebsiteRow => ({
  key,
  look: 'ready',
  reason: 'Available',
  message: '',
  image: 'nginx:1.29',
  available: 1,
  ...given,
});
const run = (id: string): Run => ({ id, website: 'team-a/shop', at: 0, event: 'retry', actions: [], changed: [] });
const EMPTY: Snapshot = {
  server: 'https://127.0.0.1:1',
  trouble: null,
  silentSeconds: null,
  forwarder: null,
  websites: [],
  runs: [],
};

function storeOf(...websites: WebsiteRow[]): Store {
  const store = new Store();
  store.replace({ ...EMPTY, websites });
  return store;
}

const keys = (store: Store, text = '', onlyNotReady = false) =>
  store.wanted({ text, onlyNotReady }).map(({ key }) => key);

it('Rows stay sorted by name after changes', () => {
  const store = storeOf(row('b/site'), row('a/site'));
  expect(keys(store)).toEqual(['a/site', 'b/site']);
  store.apply({ websites: [row('a/new')], gone: ['b/site'] });
  expect(keys(store)).toEqual(['a/new', 'a/site']);
});

it('A filter finds rows that contain each of its words in the name, the reason, the message or the image', () => {
  const store = storeOf(
    row('team-a/shop', { message: 'ImagePullBackOff: shop:1.2.9', reason: 'Progressing' }),
    row('team-a/blog', { image: 'ghost:5' }),
  );
  expect(keys(store, 'pullback TEAM-A')).toEqual(['team-a/shop']);
  expect(keys(store, ' ghost ')).toEqual(['team-a/blog']);
  expect(keys(store, 'ghost shop')).toEqual([]);
  expect(keys(store, '.*')).toEqual([]);
});

it('The filter for Websites that are not ready leaves out the ready ones', () => {
  const store = storeOf(row('a/ready'), row('a/stalled', { look: 'problem' }), row('a/new', { look: 'unseen' }));
  expect(keys(store, '', true)).toEqual(['a/new', 'a/stalled']);
});

it('Rows whose look changed are returned, so that the page can announce them', () => {
  const store = storeOf(row('a/site'), row('a/other'));
  const turned = store.apply({ websites: [row('a/site', { look: 'problem' }), row('a/other', { message: 'more' })] });
  expect(turned.map(({ key }) => key)).toEqual(['a/site']);
});

it('A change keeps the other parts of the state, and null clears the trouble', () => {
  const store = storeOf(row('a/site'));
  store.apply({ trouble: 'away' });
  store.apply({ runs: [run('1')] });
  expect(store).toMatchObject({ trouble: 'away', server: EMPTY.server });
  store.apply({ trouble: null });
  expect(store.trouble).toBeNull();
});

it('Runs are limited to 30, and a repeated run becomes the latest one', () => {
  const store = storeOf();
  store.apply({ runs: Array.from({ length: 40 }, (_, each) => run(String(each))) });
  store.apply({ runs: [run('20')] });
  expect([...store.runs.keys()].at(-1)).toBe('20');
  expect(store.runs.size).toBe(30);
});

it('2,000 Websites can be filtered and counted', () => {
  const store = storeOf(
    ...Array.from({ length: 2_000 }, (_, each) =>
      row(`team/site-${each}`, { look: each % 100 === 0 ? 'problem' : 'ready' }),
    ),
  );
  expect(keys(store, '', true)).toHaveLength(20);
  expect(store.counts()).toEqual(
    new Map([
      ['problem', 20],
      ['ready', 1_980],
    ]),
  );
});
