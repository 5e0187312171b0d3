import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { API_VERSION, GROUP, PLURAL, type Website } from '../../../functions/website/resource.ts';
import type { Changes } from './changes.ts';
import type { Screen } from './screen.ts';
import { websiteLines } from './view.ts';
import type { Warnings } from './warnings.ts';

export interface LiveOptions {
  readonly screen: Screen;
  readonly transport: Transport;
  readonly changes: Changes;
  readonly warnings: Warnings;
  readonly signal: AbortSignal;
}

const POLL_MS = 500;

/** Shows warnings and a table of the Websites, and keeps both current until the signal. */
export async function showLive({ screen, transport, changes, warnings, signal }: LiveOptions): Promise<void> {
  const list = { method: 'GET', path: `/apis/${API_VERSION}/${PLURAL}`, what: `list ${PLURAL}` } as const;
  let table: string[] = [];
  while (!signal.aborted) {
    const now = new Date();
    try {
      const { items } = (await transport.json(list)) as { items: Website[] };
      const { columns } = screen;
      table = websiteLines(items, { changes, columns, now: screen.kind === 'live' ? now : undefined });
    } catch (error) {
      if (signal.aborted) return;
      if (isMissing(error)) table = [`  The CRD ${PLURAL}.${GROUP} was deleted: kubectl apply -f crds/website.yaml`];
      // The cluster may be away for a moment.
      warnings.note('npm start', error instanceof Error ? error.message : String(error), now);
    }
    screen.show([...warnings.lines(now), ...table]);
    await delay(POLL_MS);
  }
}

const isMissing = (error: unknown): boolean => error instanceof ClusterError && error.code === 'UnknownResource';
