// What to do about children that an earlier Website of the name left.
import type { Child, ChildKind } from '../../../functions/website/children/kinds.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import { PATIENCE_MINUTES } from '../../../functions/website/status/obstacles.ts';

/** Why the functions leave all children of a Website as they are. */
export type Idle = 'suspended' | 'invalid';

/** What an optional child still does, and the fields of the spec that declare it. */
const EFFECTS: { readonly [Kind in ChildKind]?: { readonly does: string; readonly fields: string } } = {
  Ingress: { does: 'publishes its hosts', fields: 'spec.host' },
  PodDisruptionBudget: {
    does: 'limits evictions of the Pods',
    fields: 'spec.replicas of at least 2 and disruptionBudget: Auto',
  },
  HTTPRoute: { does: 'publishes its hosts', fields: 'spec.host and spec.gateway' },
  HorizontalPodAutoscaler: {
    does: 'scales the Deployment, and the functions scale it back',
    fields: 'spec.autoscaling.maxReplicas',
  },
};

/**
 * How to delete an orphan that the spec does not declare, or to let the Website adopt it. An orphaning deletion left it. The functions
 * leave it alone (docs/adr/0013-adoption.md), and it keeps working against the spec.
 */
export function adviceOnOrphan(child: Child, idle: Idle | undefined): string {
  const { kind, metadata } = child;
  const { does, fields } = EFFECTS[kind] ?? { does: 'exists', fields: 'the spec' };
  return `${kind} ${metadata.name} has the labels of this Website, and no Website owns it. Probably \`kubectl delete website --cascade=orphan\` left it. It still ${does}. Delete it: ${deletionOf(child)}. To let the Website adopt it, state ${fields}${idle === 'suspended' ? ' and resume the Website' : ''}`;
}

/** What becomes of a child of a deleted Website of the same name, and what to do if nothing does (docs/adr/0012-left-overs.md). */
export function adviceOnLeftOver(child: Child, { namespace, name }: WebsiteKey, idle: Idle | undefined): string {
  const { kind, metadata } = child;
  const whose = `${kind} ${metadata.name} belongs to a deleted Website of this name.`;
  if (idle !== undefined) {
    const resumed = `the Website is resumed (website resume ${name} -n ${namespace})`;
    const when = idle === 'suspended' ? resumed : 'the spec is valid';
    return `${whose} The functions take it over once ${when}, unless the garbage collector deletes it first`;
  }
  return `${whose} The functions take it over, or the garbage collector deletes it. If it still belongs to that Website after ${PATIENCE_MINUTES} minutes: ${deletionOf(child)}`;
}

const deletionOf = ({ kind, metadata: { name, namespace } }: Child): string =>
  `kubectl delete ${kind.toLowerCase()} ${name} -n ${namespace}`;
