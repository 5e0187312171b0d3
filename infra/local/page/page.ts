// The page in the browser that `npm start` serves: the Websites, what was done to them and why, and the forwarder's health.
import type { Transport } from '../../../functions/cluster/transport.ts';
import { watchWebsites } from '../../cli/watch/websites-watch.ts';
import { detailsFrom, type FunctionsAddress } from './detail.ts';
import { forwarderAt } from './forwarder.ts';
import { Model } from './model.ts';
import { readOnly } from './read-only.ts';
import { servePage } from './server.ts';
import { Stream } from './stream.ts';

/** How often the forwarder is asked while a page is open. */
const FORWARDER_MS = 1_000;

export interface Page {
  /** Its name and its address, for what npm start prints. */
  readonly links: readonly (readonly [name: string, url: string])[];
  /** Takes a line that one of the programs logged. */
  take(line: object): void;
  /** Tells for how long the API server has not answered, or null while it answers. */
  silentFor(seconds: number | null): void;
  /** Tells where the programs are, once they have started. */
  connectTo(programs: { readonly functions: FunctionsAddress; readonly forwarder: string }): void;
  stop(): Promise<void>;
}

/** For users who do not want the page. */
export const NO_PAGE: Page = { links: [], take() {}, silentFor() {}, connectTo() {}, async stop() {} };

/**
 * Starts to serve the page.
 * @param port `default` is the default port, or a free one if that is taken.
 * @throws Error if it cannot listen on the given port.
 */
export async function startPage(transport: Transport, port: number | 'default'): Promise<Page> {
  const reading = readOnly(transport);
  const model = new Model(transport.server);
  const stream = new Stream(model);
  let programs: Parameters<Page['connectTo']>[0] | undefined;
  const detail = detailsFrom({ transport: reading, runs: model.runs, functions: () => programs?.functions });
  const { server, url } = await servePage({ stream, detail }, port);

  const stopping = new AbortController();
  const watching = watchWebsites(
    {
      transport: reading,
      namespace: undefined,
      changed: (website, isUnwritten) => model.see(website, isUnwritten),
      deleted: (key) => model.forget(key),
      entered: (state) => {
        if (state.name === 'waiting') model.trouble = state.why;
        if (state.name === 'watching') model.trouble = null;
      },
    },
    stopping.signal,
  );
  const timer = setInterval(() => {
    if (programs !== undefined && stream.size > 0) showForwarder(programs.forwarder, model);
  }, FORWARDER_MS).unref();

  return {
    links: [['page', url]],
    take: (line) => model.take(line),
    silentFor(seconds) {
      model.silentSeconds = seconds;
    },
    connectTo(started) {
      programs = started;
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      stream.end();
      server.close();
      server.closeAllConnections();
      await watching;
    },
  };
}

function showForwarder(url: string, model: Model): void {
  const ask = async () => {
    model.forwarder = await forwarderAt(url);
  };
  ask().catch(() => {});
}
