import { SCOPES, partOf, type Scope } from './scope.ts';
import { CARRIER, type ChildKind, type Children, type DesiredChildren } from '../children/kinds.ts';
import { problemWith, withDefaults, type Defaults } from '../defaults.ts';
import { desired } from '../plan/desired.ts';
import { explained, type Finding } from '../pods/explain.ts';
import { keptMeanwhile, withKeptMarks, without } from './kept.ts';
import { withKnownStamps } from './others.ts';
import { withoutRepeated } from '../plan/overridden.ts';
import { isOwnedBy } from '../plan/ownership.ts';
import { plan, withoutOwnAnnotations, type Operation, type Plan } from '../plan/plan.ts';
import type { Verdict } from '../reasons.ts';
import { missingReplicas } from '../children/replicas.ts';
import { websiteSpec, type Website, type WebsiteSpec, type WebsiteStatus } from '../resource.ts';
import { statusOf, unseenStatus, verdict, waitsTooLong, type Seen } from '../status/status.ts';
import type { Written } from './write.ts';

interface Planned {
  /** With the replicas that the Website still lacks. */
  readonly spec: WebsiteSpec;
  /** The replicas to write into the Website first. */
  readonly scale?: number;
  /** The desired children of all kinds. */
  readonly all: DesiredChildren;
  /** Those of the kinds in scope. */
  readonly wanted: DesiredChildren;
  /** Children that the spec does not desire, and that the plan leaves alone for now. */
  readonly kept: ReadonlySet<ChildKind>;
  readonly plan: Plan;
  /** Writes that the plan skips: an admission policy or webhook reverted them last time. */
  readonly repeated: readonly Operation[];
}

/** What to write for a valid spec, or the problem of one that is invalid or not allowed, which changes nothing. */
export type Decision =
  | Planned
  | { readonly spec: undefined; readonly scale?: never; readonly plan: Plan; readonly problem: string };

const NOTHING: Plan = { steps: [], obstacles: [] };

/** How a run decides. */
export interface DecideOptions {
  /** Defaults to all children that the Website has. */
  readonly scope?: Scope;
  /** Includes the writes that were reverted last time. */
  readonly afresh?: boolean;
  readonly defaults?: Defaults | undefined;
}

/** Decides what to write. The decision depends on the arguments alone. */
export function decide(
  website: Website,
  children: Children,
  { scope = SCOPES.asNeeded, afresh = false, defaults = {} }: DecideOptions = {},
): Decision {
  const parsed = websiteSpec.safeParse(website.spec);
  if (!parsed.success) return refused(issueText(parsed.error.issues));
  const problem = problemWith(website, parsed.data, defaults);
  if (problem !== undefined) return refused(problem);
  const { spec, ...scale } = filled(withDefaults(parsed.data, defaults), website, children);
  const all = withKnownStamps(desired(website, spec, children), website, children);
  const kept = keptMeanwhile({ website, spec, wanted: all, children, scope });
  const wanted = partOf(withKeptMarks(all, kept, children, scope), scope);
  const decided = { spec, all, wanted, kept, repeated: [] };
  if (spec.suspend) return { ...decided, plan: NOTHING };
  const planned = plan(website, wanted, without(children, kept));
  return { ...decided, ...scale, ...(afresh ? { plan: planned } : withoutRepeated(planned, website)) };
}

/** The spec with the replicas that the Website still lacks, and that number. */
function filled(
  spec: WebsiteSpec,
  website: Website,
  { [CARRIER]: carrier }: Children,
): Pick<Planned, 'spec' | 'scale'> {
  const own = carrier !== undefined && isOwnedBy(carrier, website) ? carrier : undefined;
  const scale = missingReplicas(spec, own);
  return scale === undefined ? { spec } : { spec: { ...spec, replicas: scale }, scale };
}

const refused = (problem: string): Decision => ({ spec: undefined, plan: NOTHING, problem });

const issueText = ([issue]: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string =>
  `${['spec', ...(issue?.path ?? [])].join('.')}: ${issue?.message}`;

export interface Judged {
  readonly verdict: Verdict;
  readonly status: WebsiteStatus;
}

function remainingOf(website: Website, decision: Planned, children: Children): Plan {
  const { spec, wanted, kept, plan: planned, repeated } = decision;
  const remaining = () => plan(website, wanted, without(children, kept));
  if (spec.suspend) return withoutOwnAnnotations(remaining());
  // Nothing was written, so the plan need not be computed again.
  return planned.steps.length === 0 ? { ...planned, steps: [repeated] } : remaining();
}

/**
 * Judges a Website by its children after the writes, and computes its status.
 * @param finding what the Pods say about a rollout that is not done.
 */
export function judge(
  website: Website,
  decision: Decision,
  { children, refusals }: Written,
  now: Date,
  finding?: Finding,
): Judged {
  if (decision.spec === undefined) {
    const judged: Verdict = { state: 'stalled', reason: 'InvalidSpec', message: decision.problem };
    return { verdict: judged, status: unseenStatus(website, judged, now, children[CARRIER]) };
  }
  const seen: Seen = {
    spec: decision.spec,
    wanted: decision.wanted,
    children,
    refusals,
    remaining: remainingOf(website, decision, children),
    waitsTooLong: waitsTooLong(website, now),
  };
  const judged = explained(verdict(seen), finding, website);
  return { verdict: judged, status: statusOf(website, seen, judged, now) };
}
