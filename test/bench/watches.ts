import { API_VERSION, apiPath, PLURAL } from '../../functions/website/resource.ts';
import { observe } from './measure.ts';
import type { BenchCluster } from './bench-cluster.ts';
import { tracker, type Tracker, type Watched } from './tracker.ts';
import { type ChildKind, kindOf } from '../../functions/website/children/kinds.ts';

/** Watches everything that is waited for, each on a connection of its own. */
export async function withTracker<T>({ transport }: BenchCluster, work: (seen: Tracker) => Promise<T>): Promise<T> {
  const seen = tracker();
  const stop = new AbortController();
  const watches = watchedResources().map(([watched, resource]) =>
    observe(transport, resource, stop.signal, (object, isGone) => seen.see(watched, object, isGone)),
  );
  try {
    return await work(seen);
  } finally {
    stop.abort();
    await Promise.all(watches);
  }
}

function watchedResources(): [Watched, { name: string; prefix: string }][] {
  const child = (kind: ChildKind) => ({ name: kindOf(kind).plural, prefix: apiPath(kindOf(kind).apiVersion) });
  return [
    ['website', { name: PLURAL, prefix: apiPath(API_VERSION) }],
    ['deployment', child('Deployment')],
    ['service', child('Service')],
  ];
}
