import cliTruncate from 'cli-truncate';
import { keyText, type Website } from '../../../functions/website/resource.ts';
import { Bucket } from '../../../functions/bucket.ts';
import { counted, printable, styled } from '../../text.ts';
import { growingTable } from '../../table.ts';
import type { Changes } from './changes.ts';
import { clock } from './clock.ts';
import { GAP, INDENT, NO_WEBSITES, replicasText, stateOf } from './view.ts';

/** Lines about one Website: enough for a person who tries something, and little for a cluster that fails. */
const SINGLE = { burst: 10, perSecond: 1 / 10 };
/** Lines about all Websites. */
const SUMMARY = { burst: 1, perSecond: 1 / 10 };
/** Most characters of a message. The Website has the rest. */
const LONGEST = 400;
const HEADER = ['TIME', 'WEBSITE', 'READY', 'PODS', 'LAST CHANGE', 'MESSAGE'];
const DELETED = ['– Deleted', '', '', ''];

/** What a log says of the Websites, where no line can change: a few changes are a line each, many are counted in one line. */
export class Reports {
  readonly #changes: Pick<Changes, 'of'>;
  readonly #single = new Bucket(SINGLE);
  readonly #summary = new Bucket(SUMMARY);
  readonly #aligned = growingTable(GAP);
  /** The cells that were reported last, by key. Undefined before the first report. */
  #reported: ReadonlyMap<string, readonly string[]> | undefined;
  #hasHeader = false;

  constructor(changes: Pick<Changes, 'of'>) {
    this.#changes = changes;
  }

  /** The lines to print now. A change that they leave out is in the lines of a later call. */
  lines(websites: readonly Website[], now: Date): string[] {
    const cells = new Map(websites.map((website) => [keyText(website.metadata), cellsOf(website, this.#changes)]));
    const isFirst = this.#reported === undefined;
    const reported = (this.#reported ??= new Map());
    if (isFirst && cells.size === 0) return [NO_WEBSITES];
    const changed = [...cells].filter(([key, row]) => row.join() !== reported.get(key)?.join());
    const deleted = [...reported.keys()].filter((key) => !cells.has(key));
    const count = changed.length + deleted.length;
    if (count === 0) return [];
    const isFew = this.#single.waitMs(now.getTime(), count) === 0;
    if (!isFew && this.#summary.waitMs(now.getTime()) > 0) return [];
    this.#reported = cells;
    if (isFew) {
      this.#single.spend(now.getTime(), count);
      return this.#rows([...changed, ...deleted.map((key) => [key, DELETED] as const)], now);
    }
    this.#summary.spend(now.getTime());
    return [summary(websites, { changed: changed.length, deleted: deleted.length, now })];
  }

  #rows(rows: readonly (readonly [key: string, cells: readonly string[]])[], now: Date): string[] {
    const header = this.#hasHeader ? [] : [HEADER.map((title) => styled('bold', title))];
    this.#hasHeader = true;
    const lines = this.#aligned([...header, ...rows.map(([key, cells]) => [clock(now), key, ...cells])]).split('\n');
    return lines.map((line) => INDENT + line);
  }
}

function cellsOf(website: Website, changes: Pick<Changes, 'of'>): readonly string[] {
  const { text, message } = stateOf(website);
  const change = changes.of(website.metadata)?.what ?? '-';
  return [text, replicasText(website), change, cliTruncate(printable(message), LONGEST)];
}

function summary(
  websites: readonly Website[],
  { changed, deleted, now }: { readonly changed: number; readonly deleted: number; readonly now: Date },
): string {
  const what = [
    ...(changed > 0 ? [`${changed} of them changed`] : []),
    ...(deleted > 0 ? [`${deleted} of them deleted`] : []),
  ];
  const counts = new Map<string, number>();
  for (const { text } of websites.map(stateOf)) counts.set(text, (counts.get(text) ?? 0) + 1);
  const states = [...counts].toSorted(([, a], [, b]) => b - a).map(([state, count]) => `${count} ${state}`);
  const list = states.length === 0 ? '' : `: ${states.join(', ')}`;
  return `${INDENT}${clock(now)}${GAP}${counted(websites.length, 'Website')}, ${what.join(', ')}${list}`;
}
