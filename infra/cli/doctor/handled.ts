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
  for await (const page of listsOf(transport, namespaces)) {
    seen += page.length;
    for (const website of page) {
      const error = errorOf(website, now);
      if (error !== undefined) failing.push({ key: website.metadata, error });
      else if (waitsTooLong(website, now)) waiting.push(website);
    }
  }
  const all = counted(seen, 'Website');
  const [[first], [failed]] = [waiting, failing];
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

function waitsTooLong({ metadata, status }: Website, now: Date): boolean {
  if (status?.observedGeneration === metadata.generation) return false;
  const { managedFields = [], creationTimestamp = '' } = metadata;
  const changes = managedFields.filter(({ subresource }) => subresource !== 'status').map(({ time = '' }) => time);
  const last = changes.toSorted().at(-1) ?? creationTimestamp;
  return !(now.getTime() - Date.parse(last) < PATIENCE_MS);
}
