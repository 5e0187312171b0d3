// Optional children that an orphaning deletion left, and that the spec of the next Website of the name does not declare. The
// functions leave them alone (docs/adr/0013-adoption.md), and they keep working against the spec.
import type { Child, ChildKind } from '../../../functions/website/children/kinds.ts';

/** What such a child still does, and the fields of the spec that declare it. */
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

/** How to delete an orphan that the spec does not declare, or to let the Website adopt it. */
export function adviceOnOrphan({ kind, metadata: { name, namespace } }: Child): string {
  const { does, fields } = EFFECTS[kind] ?? { does: 'exists', fields: 'the spec' };
  const command = `kubectl delete ${kind.toLowerCase()} ${name} -n ${namespace}`;
  return `${kind} ${name} has the labels of this Website, and no Website owns it. Probably \`kubectl delete website --cascade=orphan\` left it. It still ${does}. Delete it: ${command}. To let the Website adopt it, state ${fields}`;
}
