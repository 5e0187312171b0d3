import cliTruncate from 'cli-truncate';
import { keyText, type Condition, type Website } from '../../../functions/website/resource.ts';
import { failureOf, isStalled, readyOf } from '../../cli/list.ts';
import { age, printable, styled } from '../../text.ts';
import { table, widthOf } from '../../table.ts';
import type { Changes } from './changes.ts';
import { wrapped } from './wrapped.ts';

export interface View {
  readonly changes: Pick<Changes, 'of'>;
  readonly columns: number;
  readonly now: Date;
}

/** Most lines that a message takes. */
const MOST_LINES = 3;
/** From this width on, the messages are a column. In a narrower terminal, each is a line of its own. */
const WIDE = 120;
const HEADER = ['WEBSITE', 'READY', 'PODS', 'AGE', 'LAST CHANGE', 'MESSAGE'];
/** A long name is shortened for the other columns, but not to less than this. */
const SHORTEST_NAME = 16;
export const INDENT = '  ';
export const GAP = '  ';
export const NO_WEBSITES = `${INDENT}No Websites: kubectl apply -f crds/samples/minimal.yaml`;

/** A table of the Websites. A Website that is not ready has a message. */
export function websiteLines(websites: readonly Website[], view: View): string[] {
  if (websites.length === 0) return [NO_WEBSITES];
  const rows = websites.map((website) => rowOf(website, view));
  const { columns } = view;
  const isWide = columns >= WIDE;
  const shown = [HEADER, ...rows].map((row) => (isWide ? row : row.slice(0, -1)));
  const ofOthers = shown.map((row) => row.slice(1, isWide ? -1 : undefined));
  const room = columns - INDENT.length - widthOfAll(ofOthers);
  const shortened = shown.map((row) => row.with(0, shortName(row[0] ?? '', room)));
  const lines = table(shortened, GAP).split('\n');
  return lines.flatMap((line, index) => {
    const row = cliTruncate(`${INDENT}${line}`, columns);
    if (index === 0) return [styled('bold', row)];
    const message = isWide ? undefined : rows[index - 1]?.at(-1);
    return message === undefined || message === '' ? [row] : [row].concat(messageLines(message, columns));
  });
}

/** How wide columns are, with the gap before each. */
function widthOfAll(rows: readonly (readonly string[])[]): number {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => widthOf(row[column] ?? ''))));
  return widths.reduce((sum, width) => sum + GAP.length + width, 0);
}

/** Both ends of a name tell it from others. */
const shortName = (name: string, room: number): string =>
  cliTruncate(name, Math.max(SHORTEST_NAME, room), { position: 'middle' });

function messageLines(message: string, columns: number): string[] {
  const indent = INDENT.repeat(2);
  return wrapped(message, columns - indent.length, MOST_LINES).map((line) => indent + line);
}

function rowOf(website: Website, { changes, now }: View): string[] {
  const { creationTimestamp } = website.metadata as { creationTimestamp?: string };
  const change = changes.of(website.metadata);
  const { text, message } = stateOf(website);
  return [
    keyText(website.metadata),
    text,
    replicasText(website),
    age(creationTimestamp, now),
    change === undefined ? '-' : `${age(change.at.toISOString(), now)} ago: ${change.what}`,
    printable(message),
  ];
}

export interface State {
  readonly text: string;
  readonly message: string;
}

const NOT_REPORTED = 'The functions have not reported on the last change yet';

/** Its mark and its reason, and a message if it is not ready. */
export function stateOf(website: Website): State {
  const ready = readyOf(website);
  if (ready === undefined) return waiting({ reason: 'Unknown', message: 'The functions have not reported yet' });
  const failure = failureOf(website);
  if (ready.observedGeneration !== website.metadata.generation)
    return waiting(failure ?? { reason: ready.reason, message: NOT_REPORTED });
  if (ready.status === 'True') return { text: styled('green', `✔ ${ready.reason}`), message: '' };
  if (ready.reason === 'Suspended') return { text: styled('dim', `– ${ready.reason}`), message: '' };
  const { reason, message } = failure ?? ready;
  return isStalled(website) ? { text: styled('red', `✗ ${reason}`), message } : waiting({ reason, message });
}

const waiting = ({ reason, message }: Pick<Condition, 'reason' | 'message'>): State => ({
  text: styled('yellow', `◌ ${reason}`),
  message,
});

/** How many Pods are ready, and of how many. */
export function replicasText({ spec, status }: Website): string {
  const { replicas } = (spec ?? {}) as { replicas?: number };
  // An autoscaler may have set another number, or the spec may have no number.
  return `${status?.readyReplicas ?? 0}/${status?.replicasSet ?? replicas ?? '?'}`;
}
