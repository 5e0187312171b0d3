import { CONTAINER } from '../children/deployment/container.ts';
import type { Deployment } from '../children/deployment/object.ts';
import { causeText, containerCause, type Cause } from './container-cause.ts';
import { TEMPLATE_HASH, type Pod } from './pod.ts';

/** Causes that a message names. */
const MOST_CAUSES = 2;

/** Why the Pods of the Deployment's newest template are not ready, as one sentence. Undefined if no Pod says why. */
export function causesIn(pods: readonly Pod[], deployment: Deployment): string | undefined {
  const living = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const causes = ofNewestTemplate(living, deployment).flatMap((pod) => podCause(pod) ?? []);
  const texts = inOrder(causes).slice(0, MOST_CAUSES);
  return texts.length === 0 ? undefined : texts.join('; ');
}

/** The most telling and most frequent cause first. Equal ones have a fixed order, so that the message stays the same. */
function inOrder(causes: readonly Cause[]): string[] {
  const found = new Map<string, { readonly rank: number; count: number }>();
  for (const { rank, text } of causes) {
    const known = found.get(text);
    if (known === undefined) found.set(text, { rank, count: 1 });
    else known.count++;
  }
  return [...found]
    .toSorted(([text, one], [other, two]) => one.rank - two.rank || two.count - one.count || (text < other ? -1 : 1))
    .map(([text]) => text);
}

/**
 * The hash of the newest template. The Deployment controller names the ReplicaSet in a condition, for example
 * `ReplicaSet "shop-deployment-7c5ddbdf54" is progressing.` Undefined if there is no such condition.
 */
export function newestTemplateHash({ metadata, status }: Deployment): string | undefined {
  const progress = status?.conditions?.find(({ type }) => type === 'Progressing');
  const named = /replica ?set "([^"]+)"/i.exec(progress?.message ?? '')?.[1];
  return named?.startsWith(`${metadata.name}-`) === true ? named.slice(metadata.name.length + 1) : undefined;
}

/** If the hash is unknown, takes that of the newest Pod with the desired image. If it is known, `lookAtPods` has selected by it. */
function ofNewestTemplate(pods: readonly Pod[], deployment: Deployment): readonly Pod[] {
  const wanted = imageIn(deployment.spec.template.spec);
  const matching = pods.filter(({ spec }) => imageIn(spec) === wanted);
  // An admission policy may have changed the images of all Pods.
  const candidates = matching.length === 0 ? pods : matching;
  const [newest] = candidates.toSorted((one, other) => (isNewer(one, other) ? -1 : 1));
  return candidates.filter((pod) => hashOf(pod) === hashOf(newest));
}

const imageIn = (spec: Pod['spec'] | undefined): string | undefined =>
  spec?.containers.find(({ name }) => name === CONTAINER)?.image;

const hashOf = (pod: Pod | undefined): string | undefined => pod?.metadata.labels?.[TEMPLATE_HASH];

const isNewer = ({ metadata: one }: Pod, { metadata: other }: Pod): boolean => {
  const [left, right] = [one.creationTimestamp ?? '', other.creationTimestamp ?? ''];
  return left === right ? one.name < other.name : left > right;
};

/** Why a Pod is not ready. Undefined for a Pod that is ready, or that does not say why. */
export function podCause(pod: Pod): Cause | undefined {
  if (conditionIn(pod, 'Ready')?.status === 'True') return undefined;
  const { phase, reason = phase, message } = pod.status ?? {};
  if (phase === 'Failed') return { rank: 3, text: causeText(reason ?? phase, message) };
  const [cause] = containerCauses(pod).toSorted((one, other) => one.rank - other.rank);
  return unscheduled(pod) ?? cause ?? notReady(pod);
}

function unscheduled(pod: Pod): Cause | undefined {
  const scheduled = conditionIn(pod, 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  return { rank: 0, text: causeText(scheduled.reason ?? 'Unschedulable', firstAttempt(scheduled.message)) };
}

/** What the Pod as a whole waits for. */
function notReady(pod: Pod): Cause | undefined {
  const ready = conditionIn(pod, 'Ready');
  if (ready?.reason === 'ReadinessGatesNotReady') return { rank: 1, text: causeText(ready.reason, ready.message) };
  return conditionIn(pod, 'PodReadyToStartContainers')?.status === 'False' ? CREATING : undefined;
}

/** Only the Pod's Events show a volume's missing ConfigMap or Secret. */
const CREATING: Cause = { rank: 2, text: 'ContainerCreating: the volumes or the network of the Pod are not ready' };

const conditionIn = ({ status }: Pod, wanted: string) => status?.conditions?.find(({ type }) => type === wanted);

/** The scheduler repeats its counts for an attempt with preemption. */
const firstAttempt = (message: string | undefined): string | undefined => message?.replace(/\s*preemption: .*$/s, '');

/** The causes in the order in which containers start: the init containers first. */
function containerCauses({ spec, status }: Pod): Cause[] {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return [...(spec.initContainers ?? []), ...spec.containers].flatMap((container) => {
    const found = statuses.find(({ name }) => name === container.name);
    if (found === undefined || found.ready) return [];
    return containerCause(container, found) ?? [];
  });
}
