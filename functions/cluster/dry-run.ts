import { CHILD_KINDS, type Child, type ChildKind, type ChildOfKind, type Children } from '../website/children/kinds.ts';
import type { Desired } from '../website/children/kind.ts';
import type { Website } from '../website/resource.ts';
import { differences } from '../website/differences.ts';
import type { Announcement } from '../website/status/transition.ts';
import type { Cluster } from './cluster.ts';
import { ClusterError } from './errors.ts';
import type { ApiRequest, Transport } from './transport.ts';
import { isUnjudged, uncheckedOf, type Unchecked } from './unchecked.ts';

/** A write that a dry run recorded instead of making it. `before` is the object as the run read it. */
export type RecordedWrite =
  | { readonly verb: 'create'; readonly after: Child }
  | { readonly verb: 'replace'; readonly before: Child; readonly after: Child }
  | { readonly verb: 'delete'; readonly before: Child }
  /** The number of replicas of a Website that something else scales. */
  | { readonly verb: 'scale'; readonly before: Website; readonly after: Website }
  | {
      readonly verb: 'update status';
      readonly before: Website;
      readonly after: Website;
      /** What the server answered, if it would not store the status. */
      readonly refusal?: ClusterError | undefined;
    };

export interface DryRun {
  /** Reads from the real cluster. It records each write, and later reads of the same run see it. */
  readonly cluster: Cluster;
  /** In the order in which a reconcile makes them. */
  readonly writes: readonly RecordedWrite[];
  /** What the run would announce, in order. */
  readonly announced: readonly Announcement[];
  readonly unchecked: readonly Unchecked[];
  /** Why the server did not check the status. Undefined if it did, or if no status was written. */
  readonly statusUnchecked: () => string | undefined;
}

export interface DryRunOptions {
  /** The Website to work with, in place of the stored one. */
  readonly website?: Website | undefined;
  /** All children of the Website, from a list. Neither they nor its Pods are read then, so a known cause in the status stays. */
  readonly children?: Children | undefined;
  /** Asks this cluster for the result of each write. Its own writes must be dry runs, too. */
  readonly server?: Pick<Cluster, 'create' | 'replace' | 'delete' | 'scale' | 'updateStatus'> | undefined;
}

/** A cluster for one run of `reconcile` that must not change anything. */
export function dryRun(real: Cluster, { website, children: listed, server }: DryRunOptions = {}): DryRun {
  const writes: RecordedWrite[] = [];
  const children = new Map<ChildKind, Child | undefined>(
    listed === undefined ? [] : CHILD_KINDS.map((kind) => [kind, listed[kind]]),
  );
  const announced: Announcement[] = [];
  const unchecked: Unchecked[] = [];
  let statusUnchecked: string | undefined;
  let read = website;

  const cluster: Cluster = {
    rehearse: async (child) => real.rehearse(child),
    rehearseStatus: async (after) => real.rehearseStatus(after),
    async listPods(namespace, labels) {
      if (listed !== undefined) throw new ClusterError('Unavailable', 'A plan from lists reads no Pods');
      return real.listPods(namespace, labels);
    },
    listWebsites: () => real.listWebsites(),
    listChildren: (kind) => real.listChildren(kind),
    async getWebsite(key) {
      read ??= await real.getWebsite(key);
      return read;
    },
    async getChild<Kind extends ChildKind>(kind: Kind, key: { readonly namespace: string; readonly name: string }) {
      if (!children.has(kind)) children.set(kind, await real.getChild(kind, key));
      return children.get(kind) as ChildOfKind<Kind> | undefined;
    },
    async create(child) {
      // The API server would find the child that this run would have deleted.
      const isRecreated = writes.some((each) => each.verb === 'delete' && each.before.kind === child.kind);
      const after = await asked(child, asCreated(child), isRecreated ? undefined : server?.create(child));
      return recorded(after.kind, after, { verb: 'create', after });
    },
    async replace(child) {
      const before = children.get(child.kind) ?? child;
      const after = await asked(child, asReplaced(child, before), server?.replace(child));
      return recorded(child.kind, after, { verb: 'replace', before, after });
    },
    async delete(child) {
      await asked(child, undefined, server?.delete(child));
      recorded(child.kind, undefined, { verb: 'delete', before: child });
    },
    async scale(before, replicas) {
      await asked(before, undefined, server?.scale(before, replicas));
      const { generation = 0 } = before.metadata;
      read = {
        ...before,
        metadata: { ...before.metadata, generation: generation + 1 },
        spec: { ...(before.spec as object), replicas },
      };
      writes.push({ verb: 'scale', before, after: read });
    },
    async updateStatus(after) {
      // Some status updates only ask whether the Website has changed.
      const isChange = differences(read?.status, after.status).length > 0;
      if (read === undefined || !isChange) return (read = after);
      const before = read;
      try {
        read = { ...after, status: (await askedStatus(after)).status ?? {} };
      } catch (refusal) {
        if (refusal instanceof ClusterError) recordStatus({ verb: 'update status', before, after, refusal });
        throw refusal;
      }
      recordStatus({ verb: 'update status', before, after: read });
      return read;
    },
    async announce(_, announcement) {
      announced.push(announcement);
    },
  };

  /** What the server answers, or what is expected if it was not asked, or if it did not check the write. */
  async function asked<T>(
    { kind, metadata: { name } }: { readonly kind: string; readonly metadata: { readonly name: string } },
    expected: T,
    answer: Promise<T> | undefined,
  ): Promise<T> {
    try {
      return answer === undefined ? expected : await answer;
    } catch (error) {
      if (!isUnjudged(error)) throw error;
      unchecked.push(uncheckedOf(kind, name, error));
      return expected;
    }
  }

  /** The status as the server would store it, or as it is if the server cannot say. */
  async function askedStatus(after: Website): Promise<Website> {
    statusUnchecked = undefined;
    if (server === undefined) return after;
    // A dry run did not create it.
    if ((after.metadata.resourceVersion ?? '') === '') {
      statusUnchecked = 'the Website does not exist yet';
      return after;
    }
    try {
      return await server.updateStatus(after);
    } catch (error) {
      // The run reports a webhook that cannot be called (`UnwrittenStatus`).
      if (!isUnjudged(error) || error.code === 'InternalError') throw error;
      statusUnchecked = `its dry run failed: ${error.message}`;
      return after;
    }
  }

  /** After a refusal, the run may write a shorter status, or the same one again. */
  function recordStatus(write: RecordedWrite & { readonly verb: 'update status' }): void {
    const refused = writes.findIndex((each) => each.verb === 'update status' && each.refusal !== undefined);
    if (refused !== -1) writes.splice(refused, 1);
    writes.push(write);
  }

  function recorded<After extends Child | undefined>(kind: ChildKind, after: After, write: RecordedWrite): After {
    children.set(kind, after);
    writes.push(write);
    return after;
  }

  return { cluster, writes, announced, unchecked, statusUnchecked: () => statusUnchecked };
}

/** Without a uid and a version, which only the API server gives. */
const asCreated = (child: Desired<Child>): Child =>
  ({ ...child, metadata: { ...child.metadata, generation: 1 } }) as Child;

/** A changed spec is a new generation: its controller has not acted on it yet. */
function asReplaced(child: Child, before: Child): Child {
  const { generation } = child.metadata;
  if (generation === undefined || differences(before.spec, child.spec).length === 0) return child;
  return { ...child, metadata: { ...child.metadata, generation: generation + 1 } };
}

/** The same API server, which validates each write without storing it. It answers with what it would have stored. */
export const withDryRuns = (transport: Transport): Transport => ({
  ...transport,
  json: (request) => transport.json(asDryRun(request)),
  sized: (request) => transport.sized(asDryRun(request)),
});

const asDryRun = (request: ApiRequest): ApiRequest =>
  request.method === 'GET'
    ? request
    : { ...request, path: `${request.path}${request.path.includes('?') ? '&' : '?'}dryRun=All` };
