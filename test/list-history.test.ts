import { expect, it } from 'vitest';
import { HistoryError, type HistoryQuery, type StoredRecord } from '../functions/history/store.ts';
import { listHistory } from '../functions/list-history.ts';
import { record } from './history/records.ts';

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function ask(search: string, stored: readonly StoredRecord[] = []) {
  const queries: HistoryQuery[] = [];
  const history = {
    async list(query: HistoryQuery) {
      queries.push(query);
      return stored.slice(0, query.limit);
    },
  };
  const { status, body = '', headers } = await listHistory(new URLSearchParams(search), { history, log: SILENT });
  return { status, headers, body: JSON.parse(body) as Record<string, unknown>, query: queries[0] };
}

it('The history query without parameters asks for all records, in a page of 50', async () => {
  const { status, body, headers, query } = await ask('');
  expect([status, body, query]).toEqual([200, { records: [] }, { limit: 50 }]);
  expect(headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' });
});

it.each<[string, HistoryQuery]>([
  ['namespace=team-a&name=shop', { namespace: 'team-a', name: 'shop', limit: 50 }],
  ['cluster=west&limit=500', { cluster: 'west', limit: 500 }],
  ['before=2026-03-01T10:00:00Z', { limit: 50, before: { at: Date.parse('2026-03-01T10:00:00Z') } }],
  ['before=2026-03-01T12:00:00%2B02:00', { limit: 50, before: { at: Date.parse('2026-03-01T10:00:00Z') } }],
  ['before=1772359200123-42', { limit: 50, before: { at: 1_772_359_200_123, id: '42' } }],
  ['code=the-key-of-azure', { limit: 50 }],
])('The history query understands %s', async (search, query) => {
  const asked = await ask(search);
  expect(asked.status).toBe(200);
  expect(asked.query).toMatchObject(query);
});

it.each([
  ['limit=0', 'limit: must be a whole number from 1 to 500'],
  ['limit=501', 'limit: must be a whole number from 1 to 500'],
  ['limit=all', 'limit: must be a whole number from 1 to 500'],
  ['namespace=Team', 'namespace: must be a DNS label'],
  ['name=shop', 'namespace: is required with name'],
  ['namespace=a&name=../x', 'name: must be the name of a Website'],
  ['before=yesterday', 'before: must be a time such as 2026-03-01T10:00:00Z, or `next` of an earlier answer'],
  ['nmae=shop', 'Unknown parameter. The parameters are cluster, namespace, name, limit, before'],
])('The history query answers %s with 400 and a hint', async (search, detail) => {
  const { status, body, query } = await ask(search);
  expect([status, body['detail'], query]).toEqual([400, detail, undefined]);
});

it('The history answer holds whole records and the start of the next page', async () => {
  const stored = [1, 2, 3].map((id) => ({ ...record(), id: String(id) }));
  const { body } = await ask('limit=2', stored);
  const { at: _, durationMs: __, ...same } = record();
  const shown = { time: '2026-03-01T10:00:00.123Z', ...same, ms: 34 };
  expect(body).toEqual({ records: [shown, shown], next: `${record().at}-2` });
  expect((await ask('limit=4', stored)).body['next']).toBeUndefined();
});

it('The history query answers 404 with a hint if no history is configured', async () => {
  const { status, body } = await listHistory(new URLSearchParams(), { log: SILENT });
  expect([status, JSON.parse(body ?? '')]).toMatchObject([
    404,
    { detail: expect.stringContaining('HISTORY_URL') as string },
  ]);
});

it('The history query answers 503 if the database cannot be read', async () => {
  const history = { list: () => Promise.reject(new HistoryError('late', 'no answer')) };
  const { status, headers, body } = await listHistory(new URLSearchParams(), { history, log: SILENT });
  expect([status, headers['retry-after']]).toEqual([503, '1']);
  expect(body).toContain('cannot read the history (HISTORY_URL). Their log says why');
});
