import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { API_VERSION, GROUP, PLURAL, type Website } from '../../../functions/website/resource.ts';
import { styled } from '../../text.ts';
import type { Changes } from './changes.ts';
import { Reports } from './reports.ts';
import type { Screen } from './screen.ts';
import { clock } from './clock.ts';
import { websiteLines } from './view.ts';
import type { Warnings } from './warnings.ts';

export interface LiveOptions {
  readonly screen: Screen;
  readonly transport: Transport;
  readonly changes: Changes;
  readonly warnings: Warnings;
  /** Called again and again with how long the API server has not answered, or null while it answers. */
  readonly onSilence: (seconds: number | null) => void;
  readonly signal: AbortSignal;
  readonly now?: () => Date;
}

/** What the API server said last. */
interface Latest {
  /** A function of the time, because ages count on while the API server does not answer. */
  table: (at: Date) => string[];
  /** When the first call was sent that has no answer yet. */
  waitingSince: Date | undefined;
}

const POLL_MS = 500;
/** An API server that takes longer than this to answer leads to a line. Usual answers take milliseconds. */
const SILENT_MS = 3_000;

/** Shows warnings and a table of the Websites, and keeps both current until the signal. Where no line can change, it reports changes. */
export async function showLive(options: LiveOptions): Promise<void> {
  const latest: Latest = { table: () => [], waitingSince: undefined };
  await Promise.all([keepReading(latest, options), keepShowing(latest, options)]);
}

async function keepReading(latest: Latest, options: LiveOptions): Promise<void> {
  const { transport, warnings, signal, now = () => new Date() } = options;
  const shown = showing(options);
  const list = { method: 'GET', path: `/apis/${API_VERSION}/${PLURAL}`, what: `list ${PLURAL}`, signal } as const;
  const answered = () => {
    const silentMs = silenceOf(latest, now());
    if (silentMs >= SILENT_MS)
      warnings.note('npm start', `The API server did not answer for ${secondsIn(silentMs)} s`, now());
    latest.waitingSince = undefined;
  };
  while (!signal.aborted) {
    latest.waitingSince ??= now();
    try {
      const { items } = (await transport.json(list)) as { items: Website[] };
      answered();
      latest.table = shown(items);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ClusterError && error.status !== undefined) answered();
      if (isMissing(error)) latest.table = () => [MISSING];
      // The cluster may be away for a moment.
      warnings.note('npm start', messageOf(error), now());
    }
    await delay(POLL_MS);
  }
}

/** Makes the table of what was read. Where no line can change, it prints what changed instead. */
function showing({ screen, changes, now = () => new Date() }: LiveOptions): (websites: Website[]) => Latest['table'] {
  const reports = new Reports(changes);
  return (websites) => {
    if (screen.kind === 'live') return (at) => websiteLines(websites, { changes, columns: screen.columns, now: at });
    screen.print(...reports.lines(websites, now()));
    return () => [];
  };
}

async function keepShowing(
  latest: Latest,
  { screen, warnings, onSilence, signal, now = () => new Date() }: LiveOptions,
) {
  while (!signal.aborted) {
    const at = now();
    const silentMs = silenceOf(latest, at);
    // Plain output repeats a line only if it changes, and a growing number would change it each second.
    const howLong = screen.kind === 'live' ? secondsIn(silentMs) : `more than ${secondsIn(SILENT_MS)}`;
    // The time of the first call without an answer, which does not change either.
    const since = clock(latest.waitingSince ?? at);
    const line = `! ${since} npm start: The API server has not answered for ${howLong} s`;
    const silence = silentMs < SILENT_MS ? [] : [styled('yellow', line)];
    onSilence(silentMs < SILENT_MS ? null : secondsIn(silentMs));
    screen.show([...warnings.lines(at), ...silence, ...latest.table(at)]);
    await delay(POLL_MS);
  }
}

const silenceOf = ({ waitingSince }: Latest, at: Date): number =>
  waitingSince === undefined ? 0 : at.getTime() - waitingSince.getTime();
const secondsIn = (ms: number): number => Math.floor(ms / 1000);

const MISSING = `  The CRD ${PLURAL}.${GROUP} was deleted: kubectl apply -f crds/website.yaml`;
const isMissing = (error: unknown): boolean => error instanceof ClusterError && error.code === 'UnknownResource';
