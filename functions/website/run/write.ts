import type { Cluster } from '../../cluster/cluster.ts';
import { ClusterError, type ErrorCode } from '../../cluster/errors.ts';
import { hasStatement } from '../plan/child-metadata.ts';
import { CARRIER, isOptional, type Carrier, type Child, type ChildKind, type Children } from '../children/kinds.ts';
import { differences } from '../differences.ts';
import { markedKinds, possibleKinds, withMarks } from '../plan/marks.ts';
import { changesHands, type Operation, type Plan } from '../plan/plan.ts';
import { isReported } from '../status/lasting.ts';
import type { Refusal } from '../status/refused.ts';

/** The children after the writes, and the writes that the API server refused. */
export interface Written {
  readonly children: Children;
  readonly refusals: readonly Refusal[];
}

/**
 * Carries out a plan step by step, and adds each write that succeeded to `made`, even if it throws later. A terminal refusal prevents
 * only the writes that depend on it. A child is recreated once the old one is gone. An optional child is created once the Deployment
 * lists it, and stays listed until it is gone.
 * @throws ClusterError for the first failure that a retry may fix.
 */
export async function write(
  { steps }: Plan,
  observed: Children,
  cluster: Cluster,
  made: Operation[],
): Promise<Written | 'namespace-terminating'> {
  const children: Children = { ...observed };
  const refusals: Refusal[] = [];
  const kept = new Set<ChildKind>();
  for (const step of steps) {
    const operations = step.flatMap((operation) => possible(operation, children, kept));
    const results = await Promise.allSettled(operations.map((operation) => carryOut(operation, cluster)));
    for (const [index, operation] of operations.entries()) {
      const result = results[index];
      if (result?.status === 'rejected' && changesHands(operation)) kept.add(operation.child.kind);
      if (result?.status !== 'fulfilled') continue;
      made.push(operation);
      Object.assign(children, { [operation.child.kind]: result.value });
    }
    const refused = terminalRefusals(results);
    if (refused.some(({ code }) => code === 'NamespaceTerminating')) return 'namespace-terminating';
    refusals.push(...refused.flatMap(refusalsOf));
  }
  return { children, refusals };
}

/** The operation, as far as the previous steps allow it. `kept` are the children that could be neither deleted nor taken over. */
function possible(operation: Operation, children: Children, kept: ReadonlySet<ChildKind>): Operation[] {
  const { kind } = operation.child;
  switch (operation.verb) {
    case 'create':
      return mayCreate(kind, children, kept) ? inTurn(operation, children) : [];
    case 'replace':
      return kind === CARRIER && kept.size > 0
        ? keepingMarks({ ...operation, child: operation.child }, children, kept)
        : inTurn(operation, children);
    case 'delete':
      // A previous step may have taken the child over, so it has a newer version now.
      return kept.has(kind) ? [] : [{ verb: 'delete', child: children[kind] ?? operation.child }];
  }
}

/** Whether the child always exists, or the Deployment, as last written, lists it. */
const mayCreate = (kind: ChildKind, children: Children, kept: ReadonlySet<ChildKind>): boolean =>
  !isOptional(kind) ||
  (children[CARRIER] !== undefined &&
    possibleKinds(children[CARRIER]).includes(kind) &&
    !kept.has(CARRIER) &&
    !kept.has(kind));

/** Some writes are only made if the Deployment, as last written, says that childMetadata is or was used. */
const inTurn = (
  operation: Extract<Operation, { verb: 'create' | 'replace' }>,
  { [CARRIER]: carrier }: Children,
): Operation[] =>
  operation.afterCarrier !== true || (carrier !== undefined && hasStatement(carrier)) ? [operation] : [];

/** The Deployment still lists the optional children that could not be deleted. */
function keepingMarks(
  operation: Extract<Operation, { verb: 'replace' }> & { readonly child: Carrier },
  children: Children,
  kept: ReadonlySet<ChildKind>,
): Operation[] {
  const child = withMarks(operation.child, [...markedKinds(operation.child), ...[...kept].filter(isOptional)]);
  return differences(children[CARRIER], child).length > 0 ? [{ ...operation, child }] : [];
}

/**
 * @throws ClusterError for the first failure that a retry may fix. It prefers one that the caller does not report in the Website's
 * status. For example, after a lost race, the next attempt may not make the write that failed for such a reason.
 */
function terminalRefusals(results: readonly PromiseSettledResult<unknown>[]): ClusterError[] {
  const errors = results.flatMap((result): unknown[] => (result.status === 'fulfilled' ? [] : [result.reason]));
  const retryable = errors.filter((error) => !isTerminal(error));
  if (retryable.length > 0) throw retryable.find((error) => !isReported(error)) ?? retryable[0];
  return errors.filter(isTerminal);
}

const isTerminal = (error: unknown): error is ClusterError =>
  error instanceof ClusterError && error.class === 'terminal';

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

const REFUSALS: Partial<Record<ErrorCode, Refusal['reason']>> = {
  QuotaExceeded: 'QuotaExceeded',
  RequestTooLarge: 'TooLarge',
  MissingApi: 'MissingApi',
};

/** `OwnershipDenied` is not listed here: obstacles.ts reports it. */
const refusalsOf = ({ code, message }: ClusterError): Refusal[] =>
  code === 'OwnershipDenied' ? [] : [{ reason: REFUSALS[code] ?? 'Rejected', message }];
