import type { Carrier } from '../children/kinds.ts';
import { rfc3339 } from './conditions.ts';
import { differences } from '../differences.ts';
import type { Verdict } from '../reasons.ts';
import type { Website, WebsiteStatus } from '../resource.ts';
import { LONGEST_REASON_MESSAGE, type HistoryEntry } from '../schema/history.ts';
import { shortened } from '../shortened.ts';
import { withRunning } from './running.ts';

/**
 * `status.history` after this verdict: one entry for each generation that was judged, newest first, and one for the generation that is
 * running.
 * @param carrier the Deployment, if it is of another generation than the newest.
 */
export function historyOf(
  website: Website,
  image: string,
  judged: Verdict,
  now: Date,
  carrier?: Carrier,
): readonly HistoryEntry[] {
  return withRunning(judgedHistory(website, image, judged, now), website, carrier, now);
}

function judgedHistory(website: Website, image: string, judged: Verdict, now: Date): readonly HistoryEntry[] {
  const { generation } = website.metadata;
  const known = website.status?.history ?? [];
  const [newest, ...older] = known;
  if (generation === undefined || wasJudgedBefore(website)) return known;
  if (newest?.generation === generation) return [judgedEntry(newest, judged, now), ...older];
  const begun = judgedEntry({ generation, image, startedAt: rfc3339(now) }, judged, now);
  const previous = newest === undefined ? [] : [replacedEntry(newest, website.status), ...older];
  // A Website that was restored with its status begins at generation 1 again.
  return [begun, ...previous.filter((each) => each.generation < generation)];
}

/** Whether a release without a history judged this generation. Its start is unknown, so it gets no entry. */
const wasJudgedBefore = ({ metadata: { generation }, status: { history, ...status } = {} }: Website): boolean =>
  (history ?? []).length === 0 && status.observedGeneration === generation && status.deploymentName !== undefined;

/** An entry ends when the site first becomes Ready. What happens to the site later does not change it. */
function judgedEntry(entry: HistoryEntry, { state, reason, message }: Verdict, now: Date): HistoryEntry {
  const { generation, image, startedAt, readyAt } = entry;
  if (readyAt !== undefined) return entry;
  const begun = { generation, image, startedAt };
  if (state === 'ready') return { ...begun, readyAt: rfc3339(now) };
  if (state === 'progressing') return begun;
  return { ...begun, reason, message: shortened(message, LONGEST_REASON_MESSAGE) };
}

/** A generation that was replaced before the site was ready keeps the last reason of the condition Ready. */
function replacedEntry(entry: HistoryEntry, { conditions }: WebsiteStatus = {}): HistoryEntry {
  if (entry.readyAt !== undefined || entry.reason !== undefined) return entry;
  const ready = conditions?.find(({ type }) => type === 'Ready');
  if (ready === undefined || ready.observedGeneration !== entry.generation) return entry;
  return { ...entry, reason: ready.reason, message: shortened(ready.message, LONGEST_REASON_MESSAGE) };
}

/** A generation that became ready. */
export interface Readied {
  /** Whether it is the first generation of the Website or a later one. */
  readonly change: 'created' | 'updated';
  /** From when the functions first saw the generation. Times in a status are whole seconds. */
  readonly seconds: number;
}

/**
 * Whether this status write ended the newest generation's way to Ready.
 * @param after the status as the API server stored it. A CRD of an older release drops the history.
 * @param writes what this run wrote to children. Without a write, a generation that begins as ready is an older one whose history
 * somebody removed.
 */
export function readiedBy(
  before: WebsiteStatus | undefined,
  after: WebsiteStatus | undefined,
  writes: readonly string[],
): Readied | undefined {
  const known = before?.history?.[0];
  const newest = after?.history?.[0];
  if (newest?.readyAt === undefined) return undefined;
  const isNew = known?.generation !== newest.generation;
  const isCounted = isNew ? writes.length > 0 : known.readyAt === undefined;
  return isCounted ? readied(newest, newest.readyAt) : undefined;
}

/** Undefined if another client has written a start that is no time. Clocks may differ, so the time may be negative. */
function readied({ generation, startedAt }: HistoryEntry, readyAt: string): Readied | undefined {
  const seconds = (Date.parse(readyAt) - Date.parse(startedAt)) / 1000;
  if (!Number.isFinite(seconds)) return undefined;
  return { change: generation === 1 ? 'created' : 'updated', seconds: Math.max(0, seconds) };
}

/** When the generation started that is not ready yet. Undefined if the newest generation has been ready. */
export function startOfUnready({ history: [newest] = [] }: WebsiteStatus): string | undefined {
  return newest?.readyAt === undefined ? newest?.startedAt : undefined;
}

/**
 * Whether a status is worth a write. A history alone is not, because a CRD of an older release drops it, and every run would write it
 * again. The exception is a new entry for an older generation, the running one. A history that was dropped gets no such entry.
 */
export const isNews = (before: WebsiteStatus | undefined, after: WebsiteStatus): boolean =>
  differences(withoutHistory(before), withoutHistory(after)).length > 0 || addsOlder(before?.history, after);

const withoutHistory = (status: WebsiteStatus = {}): unknown => ({ ...status, history: undefined });

function addsOlder(
  before: readonly HistoryEntry[] = [],
  { history = [], observedGeneration = 0 }: WebsiteStatus,
): boolean {
  const known = new Set(before.map(({ generation }) => generation));
  return history.some(({ generation }) => generation < observedGeneration && !known.has(generation));
}
