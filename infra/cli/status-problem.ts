// Why the functions cannot write the status of a Website. The status cannot say so, but their Events do.
import type { Transport } from '../../functions/cluster/transport.ts';
import { STATUS_NOT_WRITTEN } from '../../functions/website/reasons.ts';
import { KIND, type Website } from '../../functions/website/resource.ts';
import { STATUS_OVERRIDDEN } from '../../functions/website/status/write-status.ts';
import { adviceOnStatus, type StatusObstacle } from './explain/advice.ts';
import { isForbidden } from './errors.ts';
import { storedEvents, type StoredEvent } from './stored-events.ts';
import { lastStatusOf } from './written.ts';

export interface StatusProblem {
  /** When it was last announced. */
  readonly at: string;
  readonly why: StatusObstacle;
  readonly message: string;
  /** What docs/status.md says to do about it. */
  readonly toDo: string;
}

/** The problem that these Events tell of, if the status has not been written since. */
export function statusProblemIn(website: Website, events: readonly StoredEvent[]): StatusProblem | undefined {
  const { uid } = website.metadata;
  return events
    .filter(({ involvedObject }) => involvedObject.kind === KIND && involvedObject.uid === uid)
    .flatMap((event) => problemOf(event, website))
    .toSorted((one, other) => (one.at < other.at ? 1 : -1))[0];
}

/** Selects the Events that report a status that could not be written. */
export const UNWRITTEN_EVENTS = `reason=${STATUS_NOT_WRITTEN}`;

/**
 * The Events that report a status that could not be written, page by page. It leaves out namespaces whose Events this user may not read.
 * @param namespaces all if undefined. @throws ClusterError
 */
export async function* unwrittenEvents(
  transport: Transport,
  namespaces: readonly string[] | undefined,
): AsyncGenerator<readonly StoredEvent[]> {
  for (const namespace of namespaces ?? [undefined]) {
    try {
      yield* storedEvents(transport, namespace, { fieldSelector: UNWRITTEN_EVENTS });
    } catch (error) {
      if (!isForbidden(error)) throw error;
    }
  }
}

/** How the functions begin the message. */
const UNWRITTEN = /^The status cannot be written \((\w+)\): /;

function problemOf(event: StoredEvent, website: Website): StatusProblem[] {
  const { metadata, reason, message = '' } = event;
  const problem = (why: string): StatusProblem[] => {
    const advice = adviceOnStatus(why);
    return advice === undefined ? [] : [{ at: metadata.creationTimestamp ?? '', message, ...advice }];
  };
  // The status that was changed on its way in was written, and this Event is not repeated.
  if (reason === 'Overridden' && message.startsWith(STATUS_OVERRIDDEN)) return problem('Overridden');
  if (reason !== STATUS_NOT_WRITTEN || isOver(event, website)) return [];
  return problem(UNWRITTEN.exec(message)?.[1] ?? '');
}

/** Whether the status has been written since. Each write leads to another version. Times are whole seconds of the API server. */
const isOver = ({ metadata, involvedObject }: StoredEvent, website: Website): boolean =>
  involvedObject.resourceVersion !== website.metadata.resourceVersion &&
  (metadata.creationTimestamp ?? '') <= (lastStatusOf(website) ?? '');
