import * as z from 'zod';
import type { History } from './history/history.ts';
import { HistoryError, type Position, type StoredRecord } from './history/store.ts';
import { again, problem, type Reply } from './reply.ts';
import { clusterName } from './clusters.ts';
import { dnsLabel, wholeNumber } from './settings/setting-values.ts';
import type { Log } from './telemetry/log.ts';

const LARGEST_PAGE = 500;

/** `2026-03-01T10:00:00Z`, or the `next` of an earlier answer. */
const position = z.string().transform((text, issues): Position => {
  const [, at, id] = /^(\d{1,15})-(\d{1,18})$/.exec(text) ?? [];
  if (at !== undefined && id !== undefined) return { at: Number(at), id };
  const time = z.iso.datetime({ offset: true }).safeParse(text);
  if (time.success) return { at: Date.parse(text) };
  issues.addIssue('must be a time such as 2026-03-01T10:00:00Z, or `next` of an earlier answer');
  return z.NEVER;
});

const name = z.string().regex(/^[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/, 'must be the name of a Website');
const parameters = z
  .strictObject({
    cluster: clusterName.optional(),
    namespace: dnsLabel.optional(),
    name: name.optional(),
    limit: wholeNumber(1, LARGEST_PAGE).default(50),
    before: position.optional(),
    // Azure's function key may be in the URL.
    code: z.string().optional(),
  })
  .refine(({ namespace, name: one }) => one === undefined || namespace !== undefined, {
    path: ['namespace'],
    message: 'is required with name',
  });

/**
 * The function `listHistory`: lists what was done to Websites, newest first.
 * @param search the query of the URL.
 */
export async function listHistory(
  search: URLSearchParams,
  { history, log }: { readonly history?: Pick<History, 'list'>; readonly log: Log },
): Promise<Reply> {
  if (history === undefined)
    return problem(404, 'No history is kept. Set HISTORY_URL to keep one. status.history has the last generations');
  const parsed = parameters.safeParse(Object.fromEntries(search));
  if (!parsed.success) return problem(400, parsed.error.issues.map(issueText).join('; '));
  try {
    return page(await history.list(parsed.data), parsed.data.limit);
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    log.warn({ error: error.message }, 'Could not read history');
    return again('The functions cannot read the history (HISTORY_URL). Their log says why');
  }
}

function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') return `Unknown parameter. The parameters are ${KNOWN.join(', ')}`;
  return `${issue.path.join('.')}: ${issue.message}`;
}
const KNOWN = ['cluster', 'namespace', 'name', 'limit', 'before'];

function page(records: readonly StoredRecord[], limit: number): Reply {
  const last = records.at(-1);
  // A page that is not full is the last one.
  const next = last === undefined || records.length < limit ? {} : { next: `${last.at}-${last.id}` };
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ records: records.map(shown), ...next }),
  };
}

function shown({ at, durationMs, ...record }: StoredRecord): object {
  // Only `next` has the store's own number.
  const { id: _, ...rest } = record;
  return { time: new Date(at).toISOString(), ...rest, ms: durationMs };
}
