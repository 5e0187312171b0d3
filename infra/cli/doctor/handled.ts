// Whether the functions handle the Websites, which needs all programs.
import { requestFor } from '../../../functions/cluster/collection.ts';
import { pages } from '../../../functions/cluster/pages.ts';
import { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { isLastingError } from '../../../functions/website/reasons.ts';
import {
  API_VERSION,
  apiPath,
  keyText,
  PLURAL,
  type Website,
  type WebsiteKey,
} from '../../../functions/website/resource.ts';
import { counted } from '../../text.ts';
import { failureOf } from '../list.ts';
import type { StoredEvent } from '../stored-events.ts';
import { statusProblemIn, unwrittenEvents, type StatusProblem } from '../status-problem.ts';
import { lastChangeOf } from '../written.ts';
import type { Finding } from './finding.ts';

/** The functions handle a change within seconds. */
const PATIENCE_MS = 60_000;

/**
 * Whether the functions handle the Websites: the only check that covers the whole path of an event.
 * @param namespaces all if undefined. @param now the API server's time.
 */
export async function handledFinding(
  transport: Transport,
  namespaces: readonly string[] | undefined,
  now: Date,
): Promise<Finding> {
  const check = 'Websites';
  let seen = 0;
  const waiting: Website[] = [];
  const failing: { readonly key: WebsiteKey; readonly error: string }[] = [];
  const unwritten: { readonly key: WebsiteKey; readonly problem: StatusProblem }[] = [];
  const events = await eventsByUid(transport, namespaces, now);
  for await (const page of listsOf(transport, namespaces)) {
    seen += page.length;
    for (const website of page) {
      const error = errorOf(website, now);
      const problem = statusProblemIn(website, events.get(website.metadata.uid) ?? []);
      if (problem !== undefined) unwritten.push({ key: website.metadata, problem });
      else if (error !== undefined) failing.push({ key: website.metadata, error });
      else if (waitsTooLong(website, now)) waiting.push(website);
    }
  }
  const all = counted(seen, 'Website');
  const [[first], [failed], [stuck]] = [waiting, failing, unwritten];
  if (stuck !== undefined)
    return {
      check,
      state: 'problem',
      message: `The functions cannot write the status of ${unwritten.length} of ${all}, first ${keyText(stuck.key)}: ${stuck.problem.message}`,
      toDo: `${stuck.problem.toDo}. More: website explain ${stuck.key.name} -n ${stuck.key.namespace}`,
    };
  if (first !== undefined)
    return {
      check,
      state: 'problem',
      message: `The functions have not handled ${waiting.length} of ${all} for over a minute, first ${keyText(first.metadata)}`,
      toDo: 'the log of the forwarder says whether its events arrive, and the log of the functions why they fail',
    };
  if (failed !== undefined)
    return {
      check,
      state: 'problem',
      message: `Reconciles of ${failing.length} of ${all} have failed for over a minute, first ${keyText(failed.key)}: ${failed.error}`,
      toDo: `website explain ${failed.key.name} -n ${failed.key.namespace}`,
    };
  return { check, state: 'ok', message: `The functions have handled the newest spec of ${all}` };
}

/** The error that the status names, if it has kept the functions from reconciling this Website for over a minute. */
function errorOf(website: Website, now: Date): string | undefined {
  const { conditions = [] } = website.status ?? {};
  const stalled = conditions.find(({ type, reason }) => type === 'Stalled' && isLastingError(reason));
  return (stalled ?? (waitsTooLong(website, now) ? failureOf(website) : undefined))?.reason;
}

/** While a status cannot be written, there is an Event in ten minutes, and a retry of the functions takes at most as long. */
const RECENT_MS = 20 * 60_000;

/** The recent Events that a status cannot be written. None if this user may not read Events. */
async function eventsByUid(
  transport: Transport,
  namespaces: readonly string[] | undefined,
  now: Date,
): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
  const recent: StoredEvent[] = [];
  for await (const page of unwrittenEvents(transport, namespaces))
    recent.push(...page.filter((event) => isRecent(event, now)));
  return Map.groupBy(recent, ({ involvedObject }) => involvedObject.uid ?? '');
}

const isRecent = ({ metadata: { creationTimestamp = '' } }: StoredEvent, now: Date): boolean =>
  now.getTime() - Date.parse(creationTimestamp) < RECENT_MS;

/** Unlike the lists of a `Cluster`, these keep `managedFields`, which say when a Website changed last. */
async function* listsOf(
  transport: Transport,
  namespaces: readonly string[] | undefined,
): AsyncGenerator<readonly Website[]> {
  const places = new Places(1);
  for (const namespace of namespaces ?? [undefined]) {
    const request = requestFor({ name: PLURAL, prefix: apiPath(API_VERSION), namespace }, 'list');
    for await (const page of pages(transport, { ...request, query: {} }, places))
      yield (page as { readonly items: readonly Website[] }).items;
  }
}

function waitsTooLong(website: Website, now: Date): boolean {
  const { metadata, status } = website;
  if (status?.observedGeneration === metadata.generation) return false;
  return !(now.getTime() - Date.parse(lastChangeOf(website)) < PATIENCE_MS);
}
