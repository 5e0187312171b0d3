import { kindOf, type ChildKind } from '../website/children/kinds.ts';
import type { Cluster } from './cluster.ts';
import { ClusterError, type ErrorCode } from './errors.ts';

/**
 * The same cluster, but a missing optional API (`optionalApi` of a kind) reads as one without objects. Creating such an object fails
 * with `MissingApi`, which says what to install.
 */
export const withOptionalApis = (cluster: Cluster): Cluster => ({
  ...cluster,
  getChild: (kind, key, from) => cluster.getChild(kind, key, from).catch(unlessMissing(kind, () => undefined)),
  create: (child) => cluster.create(child).catch(unlessMissing(child.kind, refuse('MissingApi', child.kind))),
  replace: (child) => cluster.replace(child).catch(unlessMissing(child.kind, refuse('Conflict', child.kind))),
  rehearse: (child) => cluster.rehearse(child).catch(unlessMissing(child.kind, refuse('Conflict', child.kind))),
  delete: (child) => cluster.delete(child).catch(unlessMissing(child.kind, refuse('NotFound', child.kind))),
  async *listChildren(kind) {
    try {
      yield* cluster.listChildren(kind);
    } catch (error) {
      unlessMissing(kind, () => {})(error);
    }
  },
});

/** Whether the API server lacks the API of a kind whose API is optional. */
export const isMissing = (kind: ChildKind, error: unknown): error is ClusterError =>
  kindOf(kind).optionalApi !== undefined && error instanceof ClusterError && error.code === 'UnknownResource';

const unlessMissing =
  <T>(kind: ChildKind, instead: (error: ClusterError) => T) =>
  (error: unknown): T => {
    if (isMissing(kind, error)) return instead(error);
    throw error;
  };

const refuse = (code: ErrorCode, kind: ChildKind) => (cause: ClusterError) => {
  const { apiVersion, optionalApi } = kindOf(kind);
  throw new ClusterError(code, `This cluster has no ${kind} of ${apiVersion}: install ${optionalApi}`, {
    status: cause.status,
    cause,
  });
};
