import { setTimeout as delay } from 'node:timers/promises';
import { Places } from '../../functions/cluster/places.ts';
import { API_VERSION, apiPath, keyText, PLURAL, type Website } from '../../functions/website/resource.ts';
import type { Observer } from '../forwarder/watch/observer.ts';
import { watch } from '../forwarder/watch/watch.ts';
import type { ClusterCommand } from './command.ts';
import { EXIT } from './errors.ts';
import { cellsOf, HEADER } from './list.ts';
import { printable } from './text.ts';

interface Flags {
  readonly allNamespaces?: boolean;
}

/** How the forwarder watches: this program survives what the forwarder survives. */
export const watchCommand: ClusterCommand<Flags> = {
  usage: 'watch',
  about: 'Print a line each time the state of a Website changes, until Ctrl-C',
  options: [['-A, --all-namespaces', 'of all namespaces']],
  examples: ['watch', 'watch -A'],
  async ask({ transport, namespace, now, note, print, interrupted }, { allNamespaces }) {
    const row = (cells: readonly string[]) =>
      print(
        cells
          .map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0))
          .join(' ')
          .trimEnd(),
      );
    const time = () => now().toISOString().slice(11, 19);
    row(['TIME', ...HEADER.slice(0, -1)]);
    const show = (website: Website) => row([time(), ...stateOf(website, now())]);
    const gone = (key: string) => row([time(), ...key.split('/'), 'deleted']);
    await watch(
      {
        resource: {
          name: PLURAL,
          prefix: apiPath(API_VERSION),
          namespace: allNamespaces === true ? undefined : namespace,
        },
        transport,
        observer: observerOf(now, show, gone),
        surroundings: { random: Math.random, wait },
        places: new Places(1),
        entered: (state) => {
          if (state.name === 'waiting') note(`Waiting for the API server: ${printable(state.why)}`);
        },
      },
      interrupted(),
    );
    return EXIT.ok;
  },
};

/** Of the columns before the last one. */
const WIDTHS = [8, 16, 24, 7, 24, 32, 7];

const wait = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => {});

/** What a line shows, without the age: it changes although nothing has happened. */
const stateOf = (website: Website, now: Date): readonly string[] => cellsOf(website, now).slice(0, -1);

/** Calls `show` once for each state, and `gone` for Websites that no longer exist. */
function observerOf(now: () => Date, show: (website: Website) => void, gone: (key: string) => void): Observer {
  const shown = new Map<string, string>();
  let listed = new Set<string>();
  const changed = (object: Website) => {
    const [key, state] = [keyText(object.metadata), stateOf(object, now()).join(' ')];
    if (shown.get(key) === state) return;
    shown.set(key, state);
    show(object);
  };
  const deleted = (key: string) => {
    if (shown.delete(key)) gone(key);
  };
  return {
    listStarted: () => {
      listed = new Set();
    },
    listed: (object) => {
      listed.add(keyText(object.metadata));
      changed(object as Website);
    },
    listEnded: () => {
      for (const key of shown.keys()) if (!listed.has(key)) deleted(key);
    },
    changed: (object) => changed(object as Website),
    deleted: ({ metadata }) => deleted(keyText(metadata)),
  };
}
