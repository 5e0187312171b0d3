import { expect, it } from 'vitest';
import type { WebsiteStatus } from '../../../functions/website/resource.ts';
import { history } from '../../../infra/cli/history/history.ts';
import { aWebsite } from '../../fixtures/websites.ts';

type Entries = NonNullable<WebsiteStatus['history']>;
const shown = (entries: Entries) =>
  history(aWebsite({ status: { history: entries } }))
    .text.split('\n')
    .slice(1);
const startedAt = '2026-01-02T09:00:00Z';

it.each<[string, Entries[number], string, string]>([
  ['is ready', { generation: 2, image: 'shop:2', startedAt, readyAt: '2026-01-02T09:00:07Z' }, '7s', '7s'],
  ['is not ready', { generation: 2, image: 'shop:2', startedAt }, 'not yet', 'unknown'],
  ['stalled', { generation: 2, image: 'shop:2', startedAt, reason: 'Rejected', message: 'no' }, 'not yet', 'never'],
  ['was not judged', { generation: 2, image: 'shop:2', startedAt, message: 'no' }, 'not yet', 'unknown'],
])(
  'The history says whether a generation that %s became ready, and again once another one is newer',
  (_, entry, newest, older) => {
    const why = [entry.reason, entry.message].filter(Boolean).join(': ');
    const row = (text: string) => ['2', 'shop:2', startedAt, text, ...(why === '' ? [] : [why])].join(' +');
    expect(shown([entry])[0]).toMatch(new RegExp(`^${row(newest)} *$`));
    expect(shown([{ ...entry, generation: 3 }, entry])[1]).toMatch(new RegExp(`^${row(older)} *$`));
  },
);
