import { messageOf } from '../../../functions/cluster/causes.ts';
import { answerAt } from '../../cli/answer.ts';
import { samplesIn, type Sample } from './samples.ts';
import type { ForwarderView } from './shown.ts';

/** The forwarder is on this machine, so it answers soon or not at all. */
const TIMEOUT_MS = 2_000;
const P = 'website_forwarder_';

/**
 * The forwarder's health, by its own /readyz and /metrics. It never throws.
 * @param url of the forwarder, ending with a slash.
 */
export async function forwarderAt(url: string): Promise<ForwarderView> {
  const get = async (path: string) => {
    const answer = await answerAt(new URL(path, url), { timeoutMs: TIMEOUT_MS });
    return { isGood: answer.status === 200, text: answer.text };
  };
  try {
    const [readiness, metrics] = await Promise.all([get('readyz'), get('metrics')]);
    return viewOf(samplesIn(metrics.text), readiness);
  } catch (error) {
    return { ...viewOf([], { isGood: false, text: '' }), state: 'away', problems: [messageOf(error)] };
  }
}

function viewOf(samples: readonly Sample[], { isGood, text }: { isGood: boolean; text: string }): ForwarderView {
  const all = (name: string) => samples.filter((each) => each.name === P + name);
  const sum = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    all(name)
      .filter((each) => Object.entries(labels).every(([label, value]) => each.labels[label] === value))
      .reduce((total, { value }) => total + value, 0);
  const known = new Map(all('known_objects').map(({ labels, value }) => [labels['resource'], value]));
  return {
    state: isGood ? 'ready' : 'not ready',
    problems: text.split('\n').filter((each) => each !== '' && each !== 'ok'),
    queue: {
      queued: sum('pending_keys', { state: 'queued' }),
      delayed: sum('pending_keys', { state: 'delayed' }) + sum('pending_keys', { state: 'looks' }),
      atWork: sum('pending_keys', { state: 'at_work' }),
      oldestSeconds: Math.round(sum('oldest_pending_age_seconds')),
    },
    watches: all('watch_connected').map(({ labels: { resource = '' }, value }) => ({
      resource,
      isConnected: value === 1,
      objects: known.get(resource) ?? 0,
    })),
    deliveries: {
      accepted: sum('events_total', { result: 'accepted' }),
      rejected: sum('events_total', { result: 'rejected' }),
      failed: sum('events_total', { result: 'failed' }),
      medianMs: medianMs(all('delivery_duration_seconds_bucket')),
    },
  };
}

/** The bound of the histogram's bucket that has the median. */
function medianMs(buckets: readonly Sample[]): number | undefined {
  const counts = new Map<number, number>();
  for (const { labels, value } of buckets) {
    const bound = labels['le'] === '+Inf' ? Infinity : Number(labels['le']);
    counts.set(bound, (counts.get(bound) ?? 0) + value);
  }
  const total = counts.get(Infinity) ?? 0;
  const [bound = Infinity] =
    [...counts].toSorted(([one], [other]) => one - other).find(([, count]) => total > 0 && count * 2 >= total) ?? [];
  return bound === Infinity ? undefined : bound * 1000;
}
