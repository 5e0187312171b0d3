import type { Transport } from '../../functions/cluster/transport.ts';
import { isLastingError, STATUS_NOT_WRITTEN, type LastingError } from '../../functions/website/reasons.ts';
import type { Condition, Website } from '../../functions/website/resource.ts';
import type { ClusterCommand, Surroundings } from './command.ts';
import type { Connection } from './connection.ts';
import { EXIT } from './errors.ts';
import { unwrittenEvents } from './status-problem.ts';
import { growingTable } from '../table.ts';
import { age, printable, styled } from '../text.ts';

interface Flags {
  readonly notReady?: boolean;
  /** Adds a column for the namespace. */
  readonly allNamespaces?: boolean;
}

export const listCommand: ClusterCommand<Flags> = {
  usage: 'list',
  about: 'List Websites with their state. With --not-ready, exit code 3 if there is one',
  options: [
    ['--not-ready', 'only those that are not Ready'],
    ['-A, --all-namespaces', 'of all namespaces'],
  ],
  examples: ['list', 'list -A --not-ready', 'list -A -o json'],
  async ask(surroundings, flags) {
    const show = flags.output === 'table' ? rowsOf(flags, surroundings) : async () => {};
    const websites: Website[] = [];
    let count = 0;
    for await (const page of surroundings.cluster.listWebsites()) {
      const found = page.filter((website) => flags.notReady !== true || !isReady(website));
      count += found.length;
      await show(found);
      if (flags.output !== 'table') websites.push(...found.map(withoutManagedFields));
    }
    const code = flags.notReady === true && count > 0 ? EXIT.no : EXIT.ok;
    if (flags.output === 'table' && count > 0) return code;
    return { text: flags.notReady === true ? 'Every Website is ready.' : 'There is no Website.', data: websites, code };
  },
};

/** Prints rows as they come, so that a long list shows at once. */
function rowsOf({ allNamespaces }: Flags, { transport, namespace, now, print }: Surroundings & Connection) {
  const part = growingTable();
  const time = now();
  let isFirst = true;
  let unwritten: Promise<ReadonlySet<string>> | undefined;
  const stated = async (website: Website): Promise<ReturnType<typeof stateOf>> => {
    const state = stateOf(website);
    if (state.reason !== NOT_SEEN_YET) return state;
    unwritten ??= unwrittenVersions(transport, allNamespaces === true ? undefined : [namespace]);
    return stateOf(website, (await unwritten).has(versionOf(website.metadata)));
  };
  return async (websites: readonly Website[]) => {
    if (websites.length === 0) return;
    const states = await Promise.all(websites.map(stated));
    const rows = [
      ...(isFirst ? [HEADER] : []),
      ...websites.map((website, index) => cellsOf(website, time, states[index])),
    ];
    isFirst = false;
    print(part(rows.map((row) => (allNamespaces === true ? row : row.slice(1)))));
  };
}

/** The versions of Websites that a run of the functions has seen, but whose status it could not write. */
async function unwrittenVersions(
  transport: Transport,
  namespaces: readonly string[] | undefined,
): Promise<ReadonlySet<string>> {
  const versions = new Set<string>();
  for await (const events of unwrittenEvents(transport, namespaces))
    for (const { involvedObject } of events) versions.add(versionOf(involvedObject));
  return versions;
}

/** Each write leads to another version, so a Website of this one has got no status since. */
const versionOf = ({ uid, resourceVersion }: { readonly uid?: string; readonly resourceVersion?: string }): string =>
  `${uid} ${resourceVersion}`;

export const readyOf = ({ status }: Website): Condition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Ready');

/** Whether the site is as its newest spec declares. A status about an older generation says nothing of the newest one. */
export const isReady = (website: Website): boolean => readyOf(website)?.status === 'True' && isCurrent(website);

/** Whether the Website waits for a person or for a new spec. */
export const isStalled = ({ status }: Website): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Stalled' && is === 'True') === true;

/** They are long, and only say who wrote what. */
function withoutManagedFields(website: Website): Website {
  const { managedFields: _, ...metadata } = website.metadata;
  return { ...website, metadata };
}

/** The columns of a table of Websites. */
export const HEADER = ['NAMESPACE', 'NAME', 'READY', 'REASON', 'IMAGE', 'DESIRED', 'AVAILABLE', 'AGE'];

/** The cells of one Website. Those from the fourth on hold texts of the cluster, made printable. */
export function cellsOf(website: Website, now: Date, { ready, reason } = stateOf(website)): string[] {
  const { metadata, spec, status: { replicasSet, availableReplicas } = {} } = website;
  const { image = '' } = (spec ?? {}) as { readonly image?: string };
  // Empty if the status does not say it, as in kubectl.
  const counts = [replicasSet, availableReplicas].map((count) => String(count ?? ''));
  const texts = [reason, image, ...counts, age(metadata.creationTimestamp, now)].map(printable);
  return [metadata.namespace, metadata.name, styled(STYLES[ready] ?? 'yellow', ready), ...texts];
}

/** Stands for a reason while the status says nothing about the newest spec. */
const NOT_SEEN_YET = 'NotSeenYet';

/**
 * What the condition Ready says about the newest spec. If the site is not Ready and reconciles fail, the failure is the reason.
 * @param isUnwritten whether a run of the functions has seen this version, but could not write the status.
 */
export function stateOf(website: Website, isUnwritten = false): { readonly ready: string; readonly reason: string } {
  const ready = readyOf(website);
  const failure = failureOf(website)?.reason;
  const unseen = isUnwritten ? STATUS_NOT_WRITTEN : NOT_SEEN_YET;
  if (ready === undefined || !isCurrent(website)) return { ready: 'Unknown', reason: failure ?? unseen };
  return { ready: ready.status, reason: ready.status === 'True' ? ready.reason : (failure ?? ready.reason) };
}

/** Whether the status is about the newest spec. */
export const isCurrent = ({ metadata, status }: Website): boolean => status?.observedGeneration === metadata.generation;

/** An error that keeps the functions from reconciling the newest spec. During its first minute, Ready says nothing of it. */
export const failureOf = ({ metadata, status }: Website): FailureCondition | undefined =>
  status?.conditions?.find(
    (each): each is FailureCondition =>
      each.type === 'Reconciling' && isLastingError(each.reason) && each.observedGeneration === metadata.generation,
  );
type FailureCondition = Condition & { readonly reason: LastingError };

const STYLES: Readonly<Record<string, 'green' | 'red'>> = { True: 'green', False: 'red' };
