import { messageOf } from '../../../functions/cluster/causes.ts';
import type { Cluster } from '../../../functions/cluster/cluster.ts';
import { credentialsIn } from '../../../functions/cluster/credentials/file-text.ts';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { keyText, type Website, type WebsiteKey } from '../../../functions/website/resource.ts';
import { explain, type Explanation } from '../../cli/explain/explain.ts';
import type { Planned } from '../../cli/plan/planned.ts';
import { storedRuns, type StoredRun } from '../../cli/history/stored-history.ts';
import { rowOf } from './row.ts';
import { timeline, type Runs } from './runs.ts';
import type { Detail } from './shown.ts';
import { changeText, triedAgainText } from '../../words.ts';

/** The functions, whose history the page reads as the forwarder, the only caller that they accept. */
export interface FunctionsAddress {
  /** Ends with a slash. */
  readonly url: string;
  readonly tokenFile: string;
}

interface Surroundings {
  readonly transport: Transport;
  readonly runs: Runs;
  /** Undefined until the functions have started. */
  readonly functions: () => FunctionsAddress | undefined;
}

/** Each costs the API server some ten reads. */
const AT_ONCE = 4;
const MOST_RECORDS = 100;
const HISTORY_MS = 5_000;

/** Collects everything about one Website. What cannot be read is left out, and said. */
export function detailsFrom({ transport, runs, functions }: Surroundings): (key: WebsiteKey) => Promise<Detail> {
  const cluster = kubernetes(transport);
  const places = new Places(AT_ONCE);
  return async (key) => {
    const leave = await places.take();
    try {
      const trouble: string[] = [];
      const orSay = async <T>(answer: Promise<T>, instead: T): Promise<T> =>
        answer.catch((error: unknown) => {
          trouble.push(messageOf(error));
          return instead;
        });
      const [about, records] = await Promise.all([
        orSay(aboutWebsite(key, cluster, transport), NOTHING),
        orSay(recordsOf(key, functions()), []),
      ]);
      const text = keyText(key);
      return { key: text, ...about, timeline: timeline(runs.of(text), records, text), trouble };
    } finally {
      leave();
    }
  };
}

const NOTHING = { pods: [], children: [], events: [], generations: [] };

async function aboutWebsite(key: WebsiteKey, cluster: Cluster, transport: Transport) {
  const website = await cluster.getWebsite(key);
  if (website === undefined) return NOTHING;
  return shown(website, await explain(website, { cluster, transport, now: new Date(), defaults: {} }));
}

function shown(website: Website, explanation: Explanation) {
  const { ready, pods, children, plan, events, statusProblem } = explanation;
  // A status that a webhook changed was written.
  const isUnwritten = statusProblem !== undefined && statusProblem.why !== 'Overridden';
  return {
    website: { ...rowOf(website, isUnwritten), fullMessage: ready?.message ?? '' },
    toDo: toDoAbout(explanation),
    pods,
    children,
    nextWrites: plan === undefined ? undefined : nextWrites(plan),
    events,
    generations: website.status?.history ?? [],
  };
}

function toDoAbout({ ready, advice, statusProblem }: Explanation): string | undefined {
  const isAdviceDue = ready?.status !== 'True' && advice !== undefined && advice.toDo !== '';
  return statusProblem?.toDo ?? (isAdviceDue ? advice.toDo : undefined);
}

function nextWrites({ changes, refusedLastTime }: Planned): string[] {
  return refusedLastTime === undefined ? changes.map(changeText) : [triedAgainText(changes)];
}

async function recordsOf(key: WebsiteKey, functions: FunctionsAddress | undefined): Promise<readonly StoredRun[]> {
  if (functions === undefined) return [];
  const asked = new URL('history', functions.url);
  asked.search = new URLSearchParams({ ...key, limit: String(MOST_RECORDS) }).toString();
  // The file is read each time, because a token may be renewed.
  const token = credentialsIn(functions.tokenFile);
  return storedRuns(asked, { authorization: `Bearer ${token.trim()}` }, HISTORY_MS);
}
