import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/errors.ts';
import { memoriesOf } from '../website/overridden.ts';
import { plan } from '../website/plan.ts';
import type { Website } from '../website/resource.ts';
import { decide } from '../website/decide.ts';
import type { Children } from '../website/children/kinds.ts';

/** Whether a write that did not last would come to something else now, such as since the policy that changed it is gone. */
export async function wouldLast(website: Website, children: Children, cluster: Cluster): Promise<boolean> {
  // What did not last is remembered in the status.
  if (website.status?.overridden === undefined || website.metadata.deletionTimestamp !== undefined) return false;
  const decision = decide(website, children);
  if (decision.spec === undefined) return false;
  const { repeated, wanted } = decision;
  const known = memoriesOf({ steps: [repeated], obstacles: [] });
  for (const operation of repeated) {
    if (operation.verb !== 'replace') continue;
    try {
      const child = await cluster.rehearse(operation.child);
      const after = memoriesOf(plan(website, wanted, { ...children, [child.kind]: child }));
      if (!known.every((memory) => after.includes(memory))) return true;
    } catch (error) {
      // It changed since the list, or is refused now: an event or the next resync looks again.
      if (!(error instanceof ClusterError)) throw error;
    }
  }
  return false;
}
