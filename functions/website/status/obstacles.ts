import type { Children } from '../children/kinds.ts';
import { controllerOf } from '../children/metadata.ts';
import type { Obstacle, Plan } from '../plan/plan.ts';
import type { Verdict } from '../reasons.ts';

type Named = Pick<Obstacle, 'kind' | 'name'>;

/** Names every obstacle that a person has to remove. Undefined if there is no such obstacle. */
export function blockedVerdict(remaining: Plan): Verdict | undefined {
  const foreign = remaining.obstacles.filter(({ why }) => why === 'foreign');
  const immutable = remaining.obstacles.filter(({ why }) => why === 'immutable');
  const orphans = notTaken(remaining, 'orphan');
  const adoption = ` without an owner, and the functions have no right to adopt ${them(orphans)}`;
  const sentences = [
    ...exist(foreign, ` but ${foreign.length === 1 ? 'does' : 'do'} not belong to this Website: ${clearAway(foreign)}`),
    ...exist(orphans, `${adoption}: ${clearAway(orphans)}`),
    ...immutable.map(immutableText),
  ];
  if (sentences.length === 0) return undefined;
  const reason = foreign.length + orphans.length > 0 ? 'NameConflict' : 'ImmutableSelector';
  return { state: 'stalled', reason, message: sentences.join('. ') };
}

const immutableText = ({ kind, name, what }: Obstacle): string =>
  `${kind} ${name} ${what}, which cannot be changed: delete it to have it recreated`;

const clearAway = (objects: readonly Named[]): string =>
  `delete or rename ${them(objects)}, or make this Website the owner (docs/status.md says how)`;

/** The garbage collector takes seconds. In a large cluster that has just started it takes a minute or two. */
export const PATIENCE_MINUTES = 5;

/** Names every child that the garbage collector has not deleted yet, or that is being deleted. Undefined if there is no such child. */
export function waitingVerdict(seen: {
  readonly children: Children;
  readonly remaining: Plan;
  readonly waitsTooLong?: boolean;
}): Verdict | undefined {
  const { children, remaining, waitsTooLong = false } = seen;
  const leaving = remaining.obstacles.filter(({ why }) => why === 'leaving');
  const leftOver = [
    ...remaining.obstacles.filter(({ why }) => why === 'left-over'),
    ...notTaken(remaining, 'left-over'),
  ];
  if (leaving.length + leftOver.length === 0) return undefined;
  const whose = `, left by a deleted Website of this name (uid ${ownerUid(leftOver, children)})`;
  const what = waitsTooLong
    ? `The garbage collector has not deleted ${them(leftOver)} after ${PATIENCE_MINUTES} minutes. Delete ${them(leftOver)} yourself, or restart kube-controller-manager`
    : `Waiting for the garbage collector to delete ${them(leftOver)}`;
  const sentences = [...leaving.map(leavingText), ...exist(leftOver, `${whose}. ${what}`)];
  const isStalled = waitsTooLong && leftOver.length > 0;
  return { state: isStalled ? 'stalled' : 'progressing', reason: 'WaitingForDeletion', message: sentences.join('. ') };
}

const leavingText = ({ kind, name, finalizers }: Obstacle): string =>
  `${kind} ${name} is being deleted${finalizers === undefined ? '' : ` and waits for its finalizers: ${finalizers.slice(0, 5).join(', ')}`}`;

function ownerUid([child]: readonly Named[], children: Children): string | undefined {
  const found = child && children[child.kind];
  return found && controllerOf(found)?.uid;
}

/** Children that the remaining plan would still take over, because the API server refused those writes. */
const notTaken = (remaining: Plan, from: 'left-over' | 'orphan'): Named[] =>
  remaining.steps.flatMap((step) =>
    step.flatMap((each) =>
      each.verb === 'replace' && each.takes === from ? [{ kind: each.child.kind, name: each.child.metadata.name }] : [],
    ),
  );

/** `Deployment a and Service b exist ...`. Empty if there are no objects. */
function exist(objects: readonly Named[], rest: string): string[] {
  if (objects.length === 0) return [];
  const names = objects.map(({ kind, name }) => `${kind} ${name}`).join(' and ');
  return [`${names} ${objects.length === 1 ? 'exists' : 'exist'}${rest}`];
}

const them = ({ length }: readonly Named[]): string => (length === 1 ? 'it' : 'them');
