// The children other than the Deployment after a new spec: whether a run has to read and write them (docs/adr/0014-what-a-run-leaves-out.md).
import { CARRIER, type ChildKind, type Children, type DesiredChildren } from '../children/kinds.ts';
import { markedKinds } from '../plan/marks.ts';
import { isOwnedBy } from '../plan/ownership.ts';
import { GENERATION, generationOn, isStamped } from '../children/metadata.ts';
import { recordsSame, withStamp } from '../plan/record.ts';
import type { Website } from '../resource.ts';
import { vouchesForAll } from '../status/status.ts';

/**
 * Whether no older run can undo the other children, because every run since their own generation desired the same ones. This holds if
 * the last status vouches for all children of the generation that the Deployment carries, and
 * - this spec is the one that the status judged, or
 * - it is the next one, and desires the same others. No other spec came between, so no run can have acted on one.
 */
export function areUnchanged(website: Website, { [CARRIER]: carrier }: Children, wanted: DesiredChildren): boolean {
  if (carrier === undefined || !isOwnedBy(carrier, website)) return false;
  const written = generationOn(carrier);
  if (website.status?.observedGeneration !== written || !vouchesForAll(website)) return false;
  const { generation } = website.metadata;
  return written === generation || (written + 1 === generation && recordsSame(carrier, wanted[CARRIER]));
}

/** The desired children. Others that no older run can undo keep the generation that they carry. */
export function withKnownStamps(wanted: DesiredChildren, website: Website, observed: Children): DesiredChildren {
  if (!areUnchanged(website, observed, wanted)) return wanted;
  const { generation = 0 } = website.metadata;
  const known = Object.entries(wanted).map(([name, want]) => {
    const have = observed[name as ChildKind];
    const isKept = want !== undefined && isStamped(want) && have !== undefined && have.kind !== CARRIER;
    const keeps = isKept && generationOn(have) <= generation;
    return [name, keeps ? withStamp(want, have.metadata.annotations?.[GENERATION]) : want];
  });
  return Object.fromEntries(known) as DesiredChildren;
}

/** Whether the Deployment lists a child that is no longer desired. It stays only until its replacement is ready. */
export const isLeaving = (kind: ChildKind, { [CARRIER]: carrier }: Children, wanted: DesiredChildren): boolean =>
  carrier !== undefined && wanted[kind] === undefined && markedKinds(carrier).includes(kind);

/** Whether a new spec may concern a desired child of this kind. */
export function mayConcern(kind: ChildKind, { [CARRIER]: carrier }: Children, wanted: DesiredChildren): boolean {
  if (carrier === undefined) return true;
  const want = wanted[kind];
  return want !== undefined && isStamped(want);
}
