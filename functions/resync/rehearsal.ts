import { ClusterError } from '../cluster/errors.ts';
import { memoriesOf } from '../website/plan/overridden.ts';
import { plan } from '../website/plan/plan.ts';
import type { Context } from '../website/reconcile.ts';
import type { Website } from '../website/resource.ts';
import { decide } from '../website/run/decide.ts';
import type { Children } from '../website/children/kinds.ts';

/** Whether an overridden write would have another result now, for example because the policy that changed it is gone. */
export async function wouldLast(
  website: Website,
  children: Children,
  { cluster, defaults }: Pick<Context, 'cluster' | 'defaults'>,
): Promise<boolean> {
  // Only `status.overridden` remembers such writes.
  if (website.status?.overridden === undefined || website.metadata.deletionTimestamp !== undefined) return false;
  const decision = decide(website, children, { defaults });
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
      // The child has changed since the list, or the write is refused. An event or the next resync tries again.
      if (!(error instanceof ClusterError)) throw error;
    }
  }
  return false;
}
