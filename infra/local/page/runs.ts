import * as z from 'zod';
import { keyText } from '../../../functions/website/resource.ts';
import { eventText, writeText } from '../../words.ts';
import type { StoredRun } from '../../cli/history/stored-history.ts';
import type { Delivery, Run } from './shown.ts';

/** Most runs kept, of all Websites together. The history has more. */
const MOST_RUNS = 2_000;

const RESULTS = {
  'Delivered event': 'accepted',
  'Sink rejected event': 'rejected',
  'Could not deliver event': 'failed',
} as const satisfies Record<string, Delivery['result']>;

const about = { time: z.number(), namespace: z.string(), name: z.string() };
const delivered = z.object({
  ...about,
  msg: z.enum(Object.keys(RESULTS) as (keyof typeof RESULTS)[]),
  eventId: z.string(),
  reason: z.string(),
  attempt: z.number(),
  ms: z.number(),
  why: z.string().optional(),
});
const reconciled = z.object({
  ...about,
  msg: z.literal('Reconciled Website'),
  eventId: z.string().optional(),
  eventReason: z.string().default('changed'),
  outcome: z.string(),
  reason: z.string().optional(),
  actions: z.array(z.string()),
  ms: z.number().optional(),
});
const failed = z.object({
  ...about,
  msg: z.literal('Could not reconcile Website'),
  eventId: z.string().optional(),
  eventReason: z.string().default('resync'),
  code: z.string().optional(),
  error: z.string().optional(),
});
/** The lines of both programs' logs that say something about one Website. */
const line = z.union([delivered, reconciled, failed]);
type Line = z.output<typeof line>;

/** What both programs did about each Website. Their log lines belong together if they name the same event. */
export class Runs {
  readonly #byId = new Map<string, Run>();
  #withoutEvent = 0;

  /** @returns the run that the log line is about. Undefined if it is about no Website. */
  take(text: object): Run | undefined {
    const parsed = line.safeParse(text);
    if (!parsed.success) return undefined;
    const website = keyText(parsed.data);
    const id = `${website} ${parsed.data.eventId ?? `without-event-${++this.#withoutEvent}`}`;
    const known = this.#byId.get(id) ?? { id, website, event: '', actions: [], changed: [] };
    const run: Run = { ...known, ...saidBy(parsed.data), at: parsed.data.time };
    // Inserted last, so that the first one is the oldest.
    this.#byId.delete(id);
    this.#byId.set(id, run);
    const [oldest] = this.#byId.size > MOST_RUNS ? this.#byId.keys() : [];
    if (oldest !== undefined) this.#byId.delete(oldest);
    return run;
  }

  /** The latest ones of all Websites, oldest first. */
  latest = (count: number): Run[] => [...this.#byId.values()].slice(-count);

  of = (website: string): Run[] => [...this.#byId.values()].filter((run) => run.website === website);
}

function saidBy(said: Line): Partial<Run> & Pick<Run, 'event'> {
  switch (said.msg) {
    case 'Reconciled Website': {
      const { eventId, eventReason, outcome, reason, actions, ms } = said;
      const words = { event: eventText(eventReason), actions: actions.map(writeText) };
      return { eventId, outcome, reason, ms, error: undefined, ...words };
    }
    case 'Could not reconcile Website': {
      const { eventId, eventReason, code: reason = 'Internal', error } = said;
      return { eventId, event: eventText(eventReason), outcome: 'failed', reason, error };
    }
    default: {
      const { msg, eventId, reason, attempt: attempts, ms, why } = said;
      return { eventId, event: eventText(reason), delivery: { result: RESULTS[msg], attempts, ms, why } };
    }
  }
}

/** What was done to one Website, newest first: the log lines of this session, and the history, which also has the changed fields. */
export function timeline(live: readonly Run[], stored: readonly StoredRun[], website: string): Run[] {
  const runs = new Map<string, Run>();
  // A live run without an event cannot be matched with its record, so only the record is shown.
  for (const run of live) if (run.eventId !== undefined || stored.length === 0) runs.set(run.id, run);
  stored.forEach((record, place) => {
    const id = `${website} ${record.eventId ?? `recorded-${place}-${record.time}`}`;
    runs.set(id, joined(runs.get(id), { ...runOf(record), id, website }));
  });
  return [...runs.values()].toSorted((one, other) => other.at - one.at);
}

function runOf({ time, eventId, eventReason, outcome, reason, actions, changed, ms }: StoredRun) {
  const words = { event: eventText(eventReason), actions: actions.map(writeText) };
  return { at: Date.parse(time), eventId, outcome, reason, changed, ms, ...words };
}

/** An event that was handled more than once has several records, the newest first. What they changed counts together. */
function joined(known: Run | undefined, record: Run): Run {
  if (known === undefined) return record;
  return { ...record, ...known, changed: [...new Set([...known.changed, ...record.changed])] };
}
