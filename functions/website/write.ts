import type { Cluster } from '../cluster/cluster.ts';
import { ClusterError, type ErrorCode } from '../cluster/errors.ts';
import { withMark, type Child, type ChildKind, type Children, type Deployment } from './children.ts';
import { differences } from './differences.ts';
import { mayHaveIngress } from './ownership.ts';
import { changesHands, type Operation, type Plan } from './plan.ts';
import type { Seen } from './status.ts';

/** What stands after the writes. */
export interface Written {
  readonly children: Children;
  readonly refusals: Seen['refusals'];
}

/**
 * Carries out a plan step by step, and notes in `made` what it did, also where it throws. What is refused for good holds up only
 * what counts on it: an Ingress is recreated once it is gone, it is created where the Deployment says that there is one, and the
 * Deployment says so for as long as there is.
 */
export async function write(
  { steps }: Plan,
  observed: Children,
  cluster: Cluster,
  made: Operation[],
): Promise<Written | 'namespace-terminating'> {
  const children: { -readonly [Part in keyof Children]: Children[Part] } = { ...observed };
  const refusals: Seen['refusals'][number][] = [];
  const kept = new Set<ChildKind>();
  for (const step of steps) {
    const operations = step.flatMap((operation) => possible(operation, children, kept));
    const results = await Promise.allSettled(operations.map((operation) => carryOut(operation, cluster)));
    for (const [index, operation] of operations.entries()) {
      const result = results[index];
      if (result?.status === 'rejected' && changesHands(operation)) kept.add(operation.child.kind);
      if (result?.status !== 'fulfilled') continue;
      made.push(operation);
      Object.assign(children, { [operation.child.kind.toLowerCase()]: result.value });
    }
    const refused = refusedForGood(results);
    if (refused.some(({ code }) => code === 'NamespaceTerminating')) return 'namespace-terminating';
    refusals.push(...refused.flatMap(refusalsOf));
  }
  return { children, refusals };
}

/** The operation, as far as the steps before it allow it. `kept` are the children that could be neither deleted nor made ours. */
function possible(operation: Operation, children: Children, kept: ReadonlySet<ChildKind>): Operation[] {
  switch (operation.verb) {
    case 'create':
      return operation.child.kind !== 'Ingress' || mayCreateIngress(children, kept) ? [operation] : [];
    case 'replace':
      return operation.child.kind === 'Deployment' && kept.has('Ingress')
        ? keepingMark({ ...operation, child: operation.child }, children)
        : [operation];
    case 'delete':
      // Only an Ingress is ever deleted: as it is now, where a step before made it ours.
      return kept.has(operation.child.kind) ? [] : [{ verb: 'delete', child: children.ingress ?? operation.child }];
  }
}

const mayCreateIngress = ({ deployment }: Children, kept: ReadonlySet<ChildKind>): boolean =>
  deployment !== undefined && mayHaveIngress(deployment) && !kept.has('Deployment') && !kept.has('Ingress');

/** The Deployment still says that there is an Ingress, where one is left. */
function keepingMark(
  operation: Extract<Operation, { verb: 'replace' }> & { readonly child: Deployment },
  { deployment }: Children,
): Operation[] {
  const child = withMark(operation.child);
  return differences(deployment, child).length > 0 ? [{ ...operation, child }] : [];
}

/**
 * @throws the first failure that is not for good: trying again may help. A missing right comes after the others: it is said on the
 * Website, which a lost race must not be.
 */
function refusedForGood(results: readonly PromiseSettledResult<unknown>[]): ClusterError[] {
  const errors = results.flatMap((result): unknown[] => (result.status === 'fulfilled' ? [] : [result.reason]));
  const passing = errors.filter((error) => !isForGood(error));
  if (passing.length > 0) throw passing.find((error) => !isForbidden(error)) ?? passing[0];
  return errors.filter(isForGood);
}

const isForGood = (error: unknown): error is ClusterError =>
  error instanceof ClusterError && error.class === 'terminal';
export const isForbidden = (error: unknown): error is ClusterError =>
  error instanceof ClusterError && error.code === 'Forbidden';

async function carryOut(operation: Operation, cluster: Cluster): Promise<Child | undefined> {
  switch (operation.verb) {
    case 'create':
      return cluster.create(operation.child);
    case 'replace':
      return cluster.replace(operation.child);
    case 'delete':
      await cluster.delete(operation.child);
      return undefined;
  }
}

const REFUSALS: Partial<Record<ErrorCode, Seen['refusals'][number]['reason']>> = {
  QuotaExceeded: 'QuotaExceeded',
  RequestTooLarge: 'TooLarge',
};

/** A child that could not be made ours says so itself: the plan still wants to take it. */
const refusalsOf = ({ code, message }: ClusterError): Seen['refusals'] =>
  code === 'OwnershipDenied' ? [] : [{ reason: REFUSALS[code] ?? 'Rejected', message }];
