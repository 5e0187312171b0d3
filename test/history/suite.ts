// The behavior of every store of the history.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  HistoryError,
  type HistoryQuery,
  type HistoryRecord,
  type HistoryStore,
} from '../../functions/history/store.ts';
import { record } from './records.ts';

const MS = 5_000;
const AT = record().at;

export interface Subject {
  /** A store on the same database each time. */
  store(): HistoryStore;
  /** Has the database refuse every further record, or take them again. */
  refuseWrites(): Promise<void>;
  acceptWrites(): Promise<void>;
  /** How the database would find the records of a query: its plan as text. */
  planOf(query: HistoryQuery): Promise<string>;
  /** What a person would see in the database: the names of its tables and indexes. */
  objects(): Promise<string[]>;
}

export function describeStore(name: string, prepare: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let store: HistoryStore;

    beforeAll(async () => {
      subject = await prepare();
      store = subject.store();
    });
    afterAll(() => store.close());

    const list = async (query: Partial<HistoryQuery> = {}) => store.list({ limit: 100, ...query }, MS);
    const namesIn = async (query: Partial<HistoryQuery> = {}) => (await list(query)).map(({ name: each }) => each);
    const add = (...records: HistoryRecord[]) => store.add(records, MS);
    /** Each test has a namespace of its own. */
    let number = 0;
    const namespaced = () => {
      const namespace = `team-${number++}`;
      return { namespace, at: (given: Partial<HistoryRecord>) => record({ namespace, ...given }) };
    };

    it('creates its tables once, even if several processes start at once', async () => {
      const stores = Array.from({ length: 8 }, () => subject.store());
      await Promise.all(stores.map((each) => each.open(MS)));
      expect(await subject.objects()).toEqual([
        'website_history',
        'website_history_by_time',
        'website_history_by_website',
      ]);
      await Promise.all(stores.map((each) => each.close()));
    });

    it('returns a record unchanged', async () => {
      const { namespace, at } = namespaced();
      const [whole, { eventId: _, reason: __, ...least }] = [at({}), at({ actions: [], changed: [] })];
      await add(whole, least);
      expect(await list({ namespace })).toEqual([
        { ...least, id: expect.stringMatching(/^\d+$/) as string },
        { ...whole, id: expect.stringMatching(/^\d+$/) as string },
      ]);
    });

    it('has a record once, even if it is written again', async () => {
      const { namespace, at } = namespaced();
      const { eventId: _, reason: __, ...least } = at({ name: 'least' });
      const first = [at({ name: 'whole' }), least];
      await add(...first);
      await add(...first, at({ name: 'whole', durationMs: 35 }), { ...least, reason: 'Progressing' });
      expect(await list({ namespace })).toMatchObject([
        { name: 'least', reason: 'Progressing' },
        { name: 'whole', durationMs: 35 },
        { name: 'least' },
        { name: 'whole', durationMs: 34 },
      ]);
    });

    it('keeps its records when it is closed and opened again', async () => {
      const { namespace, at } = namespaced();
      await add(at({ name: 'kept' }));
      await store.close();
      store = subject.store();
      expect(await namesIn({ namespace })).toEqual(['kept']);
    });

    it('lists the newest records first, and only those that match the query', async () => {
      const { namespace, at } = namespaced();
      await add(at({ name: 'b', at: AT + 1 }), at({ name: 'c', at: AT + 2 }), at({ name: 'a', at: AT }));
      await add(at({ name: 'a', at: AT + 3, cluster: 'east' }));
      expect(await namesIn({ namespace })).toEqual(['a', 'c', 'b', 'a']);
      expect(await namesIn({ namespace, limit: 2 })).toEqual(['a', 'c']);
      expect((await list({ namespace, name: 'a' })).map((each) => each.cluster)).toEqual(['east', 'west']);
      expect(await namesIn({ namespace, cluster: 'east' })).toEqual(['a']);
      expect(await namesIn({ namespace: `${namespace}' OR 1=1 --` })).toEqual([]);
    });

    it('returns each record once in pages, although many have the same time', async () => {
      const { namespace, at } = namespaced();
      const all = Array.from({ length: 23 }, (_, index) => at({ name: `n${index}`, at: AT + Math.floor(index / 9) }));
      await add(...all);
      const seen: string[] = [];
      let before: HistoryQuery['before'];
      for (;;) {
        const page = await list({ namespace, limit: 5, ...(before === undefined ? {} : { before }) });
        seen.push(...page.map((each) => each.name));
        // A record written in the meantime is newer than every page.
        await add(at({ name: 'new', at: AT + 9 }));
        const last = page.at(-1);
        if (last === undefined) break;
        before = { at: last.at, id: last.id };
      }
      expect(seen).toEqual(all.map((each) => each.name).toReversed());
      expect(await namesIn({ namespace, before: { at: AT + 1 } })).toEqual(seen.slice(-9));
    });

    it.each<[string, Partial<HistoryQuery>]>([
      ['by_website', { namespace: 'team-a', name: 'shop' }],
      ['by_website', { namespace: 'team-a', name: 'shop', before: { at: AT, id: '3' } }],
      ['by_time', {}],
      ['by_time', { before: { at: AT, id: '3' } }],
    ])('finds records by the index %s without sorting: %o', async (index, query) => {
      const plan = await subject.planOf({ limit: 50, ...query });
      expect(plan).toContain(`website_history_${index}`);
      expect(plan).not.toMatch(/sort|temp b-tree|seq scan/i);
    });

    it('stores any text', async () => {
      const { namespace, at } = namespaced();
      const eventId = `'";\\--\n$1 ? \u{1F600} ${'x'.repeat(300)}`;
      await add(at({ eventId }));
      expect(await list({ namespace })).toMatchObject([{ eventId }]);
    });

    it('deletes records older than a time in batches, the oldest first', async () => {
      const { namespace, at } = namespaced();
      // Older than the records of all other tests.
      await add(...['a', 'b', 'c'].map((each, index) => at({ name: each, at: index })), at({ name: 'kept', at: 3 }));
      expect(await store.prune(3, 2, MS)).toBe(2);
      expect(await namesIn({ namespace })).toEqual(['kept', 'c']);
      expect(await store.prune(3, 2, MS)).toBe(1);
      expect(await store.prune(3, 2, MS)).toBe(0);
      expect(await namesIn({ namespace })).toEqual(['kept']);
    });

    it('reports a refused batch, keeps no part of it, and works again afterwards', async () => {
      const { namespace, at } = namespaced();
      await subject.refuseWrites();
      const batch = Array.from({ length: 200 }, () => at({ eventId: 'x'.repeat(1000) }));
      await expect(add(...batch)).rejects.toBeInstanceOf(HistoryError);
      await subject.acceptWrites();
      expect(await list({ namespace })).toEqual([]);
      await add(at({ name: 'afterwards' }));
      expect(await namesIn({ namespace })).toEqual(['afterwards']);
    });
  });
}
