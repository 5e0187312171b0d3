import { clearScreenDown, moveCursor } from 'node:readline';
import type { WriteStream } from 'node:tty';
import { keyText, type Website } from '../../../functions/website/resource.ts';
import { table } from '../../table.ts';

/** The last event that the forwarder delivered for a Website. */
export interface LastEvent {
  readonly reason: string;
  readonly outcome: string;
}

/** A table with one line per Website. */
export function websiteLines(websites: readonly Website[], events: ReadonlyMap<string, LastEvent>): string[] {
  const rows = websites.map((website) => {
    const { reason = '-', outcome = '-' } = events.get(keyText(website.metadata)) ?? {};
    return [keyText(website.metadata), readyText(website), replicasText(website), reason, outcome];
  });
  const header = ['WEBSITE', 'READY', 'REPLICAS', 'LAST EVENT', 'LAST OUTCOME'];
  return table([header, ...rows], '  ')
    .split('\n')
    .map((line) => `  ${line}`);
}

function readyText({ status }: Website): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready === undefined ? 'Unknown' : `${ready.status === 'True' ? 'Ready' : 'Not ready'} (${ready.reason})`;
}

function replicasText({ spec, status }: Website): string {
  const { replicas } = (spec ?? {}) as { replicas?: number };
  // An autoscaler may have set another number, or the spec may have no number.
  return `${status?.readyReplicas ?? 0}/${status?.replicasSet ?? replicas ?? '?'}`;
}

/** Cuts the lines to the size of the terminal. If they wrapped or scrolled, the next update could not overwrite them. */
export function fitted(lines: readonly string[], columns: number, rows: number): string[] {
  const cut = (line: string) => line.slice(0, columns);
  // The cursor needs the last row.
  const available = rows - 1;
  if (lines.length <= available) return lines.map(cut);
  const shown = lines.slice(0, available - 1);
  return [...shown, `  and ${lines.length - shown.length} more`].map(cut);
}

/** Shows lines. A terminal updates them in place; other outputs get only the lines that are new since the last call. */
export function liveLines(output: WriteStream | NodeJS.WriteStream): (lines: readonly string[]) => void {
  let shown: readonly string[] = [];
  return (all) => {
    const lines = output.isTTY ? fitted(all, output.columns, output.rows) : all;
    if (lines.join('\n') === shown.join('\n')) return;
    if (output.isTTY) {
      if (shown.length > 0) moveCursor(output, 0, -shown.length);
      clearScreenDown(output);
      output.write(`${lines.join('\n')}\n`);
    } else {
      const fresh = lines.filter((line) => !shown.includes(line));
      if (fresh.length > 0) output.write(`${fresh.join('\n')}\n`);
    }
    shown = lines;
  };
}
