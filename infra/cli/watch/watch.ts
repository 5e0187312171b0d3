import { keyText, type Website } from '../../../functions/website/resource.ts';
import { UsageError } from '../../usage.ts';
import type { ClusterCommand } from '../command.ts';
import { EXIT } from '../errors.ts';
import { cellsOf, HEADER, stateOf } from '../list.ts';
import { patienceWith } from './watch-patience.ts';
import { watchWebsites } from './websites-watch.ts';

interface Flags {
  readonly allNamespaces?: boolean;
}

export const watchCommand: ClusterCommand<Flags> = {
  usage: 'watch',
  about: 'Print a line each time the state of a Website changes, until Ctrl-C',
  options: [['-A, --all-namespaces', 'of all namespaces']],
  examples: ['watch', 'watch -A'],
  async ask({ transport, namespace, now, note, print, interrupted }, { allNamespaces, output }) {
    if (output !== 'table') throw new UsageError('website watch prints lines alone: leave out --output');
    const row = (cells: readonly string[]) =>
      print(
        cells
          .map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0))
          .join(' ')
          .trimEnd(),
      );
    const time = () => now().toISOString().slice(11, 19);
    row(['TIME', ...HEADER.slice(0, -1)]);
    const patience = patienceWith(note);
    const shown = new Map<string, string>();
    await watchWebsites(
      {
        transport,
        namespace: allNamespaces === true ? undefined : namespace,
        changed(website, isUnwritten) {
          const cells = lineOf(website, isUnwritten, now());
          const [key, state] = [keyText(website.metadata), cells.join(' ')];
          if (shown.get(key) === state) return;
          shown.set(key, state);
          row([time(), ...cells]);
        },
        deleted(key) {
          shown.delete(key);
          row([time(), ...key.split('/'), 'deleted']);
        },
        entered: patience.entered,
      },
      AbortSignal.any([interrupted(), patience.ended]),
    );
    patience.ended.throwIfAborted();
    return EXIT.ok;
  },
};

/** Of the columns before the last one. */
const WIDTHS = [8, 16, 24, 7, 24, 32, 7];

/** What a line shows, without the age: it changes although nothing has happened. */
const lineOf = (website: Website, isUnwritten: boolean, now: Date): readonly string[] =>
  cellsOf(website, now, stateOf(website, isUnwritten)).slice(0, -1);
