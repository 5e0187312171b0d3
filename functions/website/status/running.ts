import { CONTAINER } from '../children/deployment/container.ts';
import type { Carrier } from '../children/kinds.ts';
import { generationOn } from '../children/metadata.ts';
import { lastWriterOf } from '../plan/field-writers.ts';
import { isOwnedBy } from '../plan/ownership.ts';
import type { Website } from '../resource.ts';
import { MOST_ENTRIES, type HistoryEntry } from '../schema/history.ts';
import { rfc3339 } from './conditions.ts';

/** The generation that the Deployment is of, and its image. */
type Running = Pick<HistoryEntry, 'generation' | 'image'>;

const UNJUDGED = 'The Deployment was written for this generation. The spec changed again before the site was judged';

/**
 * The history, which always has an entry for the running generation, even if it is not the newest one. That entry is missing if the
 * spec changed again before the status was written, and the new spec changes no child: it is suspended, invalid or refused. An entry
 * that exists stays, however many newer ones there are.
 */
export function withRunning(
  history: readonly HistoryEntry[],
  website: Website,
  carrier: Carrier | undefined,
  now: Date,
): readonly HistoryEntry[] {
  const running = carrier === undefined ? undefined : runningIn(carrier, website);
  if (running === undefined) return limited(history);
  if (history.some(({ generation }) => generation === running.generation)) return limited(history, running);
  if (!isStartKnown(running, website)) return limited(history);
  const entry = { ...running, startedAt: rfc3339(now), message: UNJUDGED };
  return limited(
    [...history, entry].toSorted((one, other) => other.generation - one.generation),
    running,
  );
}

/** Undefined if that is the newest generation, or if the Deployment does not show it. */
function runningIn(carrier: Carrier, website: Website): Running | undefined {
  const generation = generationOn(carrier);
  const isOlder = generation < (website.metadata.generation ?? 0);
  const image = isOlder && isOwnedBy(carrier, website) ? imageIn(carrier) : undefined;
  return image === undefined ? undefined : { generation, image };
}

/** Undefined if somebody else set it, because then it is not the one of the generation. */
function imageIn(carrier: Carrier): string | undefined {
  const containers = carrier.spec.template.spec?.containers ?? [];
  const index = containers.findIndex(({ name }) => name === CONTAINER);
  const writer = lastWriterOf(carrier, `spec.template.spec.containers[${index}].image`);
  return writer?.by === 'other' ? undefined : containers[index]?.image;
}

/** Whether the functions have kept a history since before this generation, so that it starts about now. */
const isStartKnown = ({ generation }: Running, { status = {} }: Website): boolean =>
  status.observedGeneration === undefined || (status.history ?? []).some((known) => known.generation < generation);

function limited(history: readonly HistoryEntry[], running?: Running): readonly HistoryEntry[] {
  const newest = history.slice(0, MOST_ENTRIES);
  const dropped = history.slice(MOST_ENTRIES).filter(({ generation }) => generation === running?.generation);
  return [...newest.slice(0, MOST_ENTRIES - dropped.length), ...dropped];
}
