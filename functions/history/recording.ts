import { ClusterError } from '../cluster/errors.ts';
import { nothingDone, type Done, type Reconciled } from '../website/reconcile.ts';
import type { WebsiteKey } from '../website/resource.ts';
import { LONGEST_QUOTE, shortened } from '../website/shortened.ts';
import type { History } from './history.ts';

/** What a run needs in order to be recorded. */
export interface RecordingContext {
  /** Absent if no history is configured. */
  readonly history?: Pick<History, 'record' | 'clusterName'>;
  /** The cluster, if there are several. */
  readonly label?: string;
  readonly now: () => Date;
}

interface About {
  readonly key: WebsiteKey;
  readonly eventId?: string;
  readonly eventReason: string;
}

/** A run that began. Its end is recorded. */
export interface Recording {
  /** For the run to fill. */
  readonly done: Done;
  reconciled(reconciled: Pick<Reconciled, 'outcome'>): Promise<void>;
  failed(error: unknown): Promise<void>;
}

/** Most changed fields of one record, and the longest path of one. */
const MOST_CHANGED = 20;
const LONGEST_PATH = 256;

/** Call it when the run begins. */
export function recordingOf({ key, eventId, eventReason }: About, context: RecordingContext): Recording {
  const start = performance.now();
  const done = nothingDone();
  const end = async (outcome: string, reason: string | undefined): Promise<void> =>
    context.history?.record({
      at: context.now().getTime(),
      cluster: context.label ?? context.history.clusterName,
      ...key,
      ...(eventId === undefined ? {} : { eventId: plain(eventId, LONGEST_QUOTE) }),
      eventReason: plain(eventReason, LONGEST_QUOTE),
      outcome,
      ...(reason === undefined ? {} : { reason }),
      actions: [...done.actions],
      changed: named(done.changed),
      durationMs: Math.round(performance.now() - start),
    });
  return {
    done,
    reconciled: ({ outcome }) => end(outcome.kind, 'reason' in outcome ? outcome.reason : undefined),
    failed: (error) => end('failed', error instanceof ClusterError ? error.code : 'Internal'),
  };
}

function named(changed: readonly string[]): string[] {
  const paths = [...new Set(changed)].map((path) => plain(path, LONGEST_PATH));
  const more = paths.length - MOST_CHANGED;
  return more > 0 ? [...paths.slice(0, MOST_CHANGED), `and ${more} more`] : paths;
}

/** PostgreSQL stores neither NUL nor half a surrogate pair. With one such text, it would refuse the whole batch. */
const plain = (text: string, mostBytes: number): string =>
  shortened(text.replaceAll('\0', '\ufffd').toWellFormed(), mostBytes);
