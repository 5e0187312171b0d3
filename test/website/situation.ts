import { hash } from 'node:crypto';
import type { MemoryCluster } from '../cluster/memory.ts';

/** What checks remember of the way to a situation. */
export type Notes = Map<string, unknown>;

/** The cluster and the notes, to go back to. */
export interface Situation {
  readonly objects: ReturnType<MemoryCluster['snapshot']>;
  readonly notes: ReadonlyMap<string, unknown>;
  /** The same for what `World.end` cannot distinguish. */
  readonly digest: string;
  /** Includes what decides about later uids and versions: from there, each call has the same effect. */
  readonly exactDigest: string;
}

export function situationOf(cluster: MemoryCluster, notes: Notes): Situation {
  const objects = cluster.snapshot();
  const text = `${cluster.state()} ${textOf(notes)}`;
  const exactText = `${text} ${textOf(objects.counts)}`;
  return { objects, notes: new Map(notes), digest: hash('sha1', text), exactDigest: hash('sha1', exactText) };
}

/** In any order of the entries. */
const textOf = (map: ReadonlyMap<string, unknown>): string =>
  JSON.stringify([...map].map((entry) => JSON.stringify(entry)).toSorted());

export function goTo({ objects, notes: noted }: Situation, cluster: MemoryCluster, notes: Notes): void {
  cluster.restore(objects);
  notes.clear();
  for (const [name, note] of noted) notes.set(name, note);
}
