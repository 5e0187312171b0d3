import { CARRIER, type Carrier, type Children } from '../children/kinds.ts';
import type { Plan } from '../plan/plan.ts';
import type { Website } from '../resource.ts';
import { judge, type Decision, type Judged } from './decide.ts';

/**
 * The status with which a rollout begins. The run writes it while it writes the Deployment, which saves a round trip. Undefined if the
 * status has to wait for the Deployment.
 *
 * It says that the site is not Ready. If the write of the Deployment fails or returns something else, the run or its retry judges
 * again. A retry does not write this status again, so that a write which fails each time does not change the status each time.
 */
export function judgeAhead(
  website: Website,
  decision: Decision,
  children: Children,
  now: () => Date,
): Judged | undefined {
  const isFirstRun = website.status?.observedGeneration !== website.metadata.generation;
  const deployment = isFirstRun ? newRollout(decision.plan) : undefined;
  if (decision.spec === undefined || deployment === undefined) return undefined;
  const done = { ...decision, plan: { ...decision.plan, steps: [] } };
  const judged = judge(website, done, { children: { ...children, [CARRIER]: deployment }, refusals: [] }, now());
  return judged.verdict.state === 'progressing' ? judged : undefined;
}

/** The Deployment as the API server will return it, if the plan changes its spec and writes nothing else. */
function newRollout({ steps }: Plan): Carrier | undefined {
  const [operation, ...others] = steps.flat();
  if (operation?.verb !== 'replace' || operation.child.kind !== CARRIER || others.length > 0) return undefined;
  if (!operation.changed.some((path) => path.startsWith('spec.'))) return undefined;
  const { metadata } = operation.child;
  return { ...operation.child, metadata: { ...metadata, generation: (metadata.generation ?? 0) + 1 } };
}
