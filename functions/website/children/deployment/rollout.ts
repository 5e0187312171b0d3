import type { ReadyReason, Verdict } from '../../reasons.ts';
import { CONTAINER } from './container.ts';
import type { Deployment } from './object.ts';

type RolloutStatus = NonNullable<Deployment['status']>;

/** Every reason that `rolloutVerdict` may give. */
export const ROLLOUT_REASONS = [
  'Available',
  'Parked',
  'Progressing',
  'Paused',
  'ReplicaFailure',
  'ProgressDeadlineExceeded',
] as const satisfies readonly ReadyReason[];

/**
 * Judges the progress of a rollout by the rules of `kubectl rollout status`. It ignores counts that the Deployment controller
 * reported for an older generation of the Deployment.
 */
export function rolloutVerdict(deployment: Deployment, wanted: number): Verdict {
  const { metadata, status = {} } = deployment;
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    return { state: 'progressing', reason: 'Progressing', message: WAITING };
  }
  const missing = missingIn(status, wanted);
  if (missing !== undefined) return unfinishedVerdict(deployment, status, wanted, missing);
  return wanted === 0
    ? { state: 'ready', reason: 'Parked', message: 'Parked at 0 replicas' }
    : { state: 'ready', reason: 'Available', message: `${replicas(wanted)} ${areOf(wanted)} available` };
}

const WAITING = 'Waiting for the Deployment controller';

/** What the rollout waits for first, in the order of `kubectl rollout status`. Undefined if it is complete. */
function missingIn(status: RolloutStatus, wanted: number): string | undefined {
  const { all, updated, available, old } = countsOf(status);
  if (updated < wanted) return `${updated} of ${replicas(wanted)} ${areOf(wanted)} updated`;
  if (old > 0) return `${replicas(old, 'old')} ${areOf(old)} pending termination`;
  const surplus = updated - wanted;
  if (surplus > 0) return `${replicas(surplus, 'surplus')} ${areOf(surplus)} pending termination`;
  if (available < wanted) return `${available} of ${replicas(wanted, 'updated')} ${areOf(wanted)} available`;
  return all === wanted && available === wanted ? undefined : WAITING;
}

function countsOf({ replicas: all = 0, updatedReplicas: updated = 0, ...status }: RolloutStatus) {
  const { readyReplicas: ready = 0, availableReplicas: available = 0 } = status;
  return { all, updated, ready, available, old: all - updated };
}

const areOf = (count: number): string => (count === 1 ? 'is' : 'are');

/** `1 replica`, `2 old replicas`. */
const replicas = (count: number, which?: string): string =>
  [count, which, count === 1 ? 'replica' : 'replicas'].filter((word) => word !== undefined).join(' ');

function unfinishedVerdict(deployment: Deployment, status: RolloutStatus, wanted: number, missing: string): Verdict {
  const { metadata, spec } = deployment;
  if (spec.paused === true) {
    const resume = `kubectl rollout resume deployment/${metadata.name} -n ${metadata.namespace}`;
    const message = `The Deployment is paused: ${missing}. To go on: ${resume}`;
    return { state: 'progressing', reason: 'Paused', message };
  }
  const { conditions = [] } = status;
  const late = conditions.find(({ type, reason }) => type === 'Progressing' && reason === 'ProgressDeadlineExceeded');
  const failing = conditions.find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True');
  const why = failing?.message ?? late?.message;
  const text = (said: string) => (why === undefined ? said : `${said}: ${why}`);
  if (late !== undefined) {
    const message = text(`${imageOf(deployment)} did not become ready in time: ${lateIn(status, wanted, missing)}`);
    return { state: 'stalled', reason: 'ProgressDeadlineExceeded', message, explainedBy: 'Pods' };
  }
  return {
    state: 'progressing',
    reason: failing === undefined ? 'Progressing' : 'ReplicaFailure',
    message: text(missing),
    explainedBy: 'Pods',
  };
}

const imageOf = ({ spec }: Deployment): string =>
  spec.template.spec?.containers.find(({ name }) => name === CONTAINER)?.image ?? 'The image';

/**
 * A late rollout in numbers. The counts of a Deployment do not say which Pods are ready. The controller removes an old Pod only when
 * a new one is available. So we assume that old Pods are ready first, and attribute only the rest to new Pods.
 */
function lateIn(status: RolloutStatus, wanted: number, missing: string): string {
  const { all, updated, ready, old } = countsOf(status);
  const fresh = ready - old;
  if (old <= 0 || fresh >= wanted) return missing;
  if (fresh < 0) return `${missing}, and ${ready} of ${replicas(all)} in all are ready`;
  const serving = `${replicas(old, 'old')} still ${old === 1 ? 'serves' : 'serve'}`;
  return updated < wanted
    ? `${missing}, ${fresh} of them are ready, and ${serving}`
    : `${fresh} of ${replicas(wanted, 'updated')} ${areOf(wanted)} ready, and ${serving}`;
}
