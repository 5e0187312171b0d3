import type { Cluster } from '../../functions/cluster/cluster.ts';
import { ClusterError, type ErrorCode } from '../../functions/cluster/errors.ts';
import { differences } from '../../functions/website/differences.ts';
import type { Pod } from '../../functions/website/pods/pod.ts';
import {
  API_VERSION,
  KIND,
  keyText,
  type ObjectMeta,
  type Website,
  type WebsiteKey,
} from '../../functions/website/resource.ts';
import type { Announcement } from '../../functions/website/status/transition.ts';
import type { Desired } from '../../functions/website/children/kind.ts';
import type { Child, ChildKind, ChildOfKind } from '../../functions/website/children/kinds.ts';
import type { HttpRoute } from '../../functions/website/children/http-route/object.ts';
import { acceptedBy } from '../gateway.ts';
import { frozen, textOf } from './frozen.ts';
import { childName, MANAGED_BY, MANAGER } from '../../functions/website/children/metadata.ts';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import type { HorizontalPodAutoscaler } from '../../functions/website/children/horizontal-pod-autoscaler.ts';

type Stored = Website | Child;

/** How often a name was written, and was given to a new object: what happens to one leaves no trace in another. */
interface Counts {
  readonly versions: number;
  readonly uids: number;
}

/** The objects of a cluster at one time, to go back to. */
export interface Snapshot {
  readonly objects: ReadonlyMap<string, Stored>;
  readonly counts: ReadonlyMap<string, Counts>;
}

/**
 * A cluster in memory: uid, resourceVersion, generation, conflicts and garbage collection as the API server and the
 * controllers have them. It passes the same suite as the real one (suite.ts). What it hands out cannot be changed, so it makes
 * no copies.
 */
export class MemoryCluster implements Cluster {
  #objects = new Map<string, Stored>();
  #counts = new Map<string, Counts>();
  /** Called with every stored object, for properties about history. */
  onWrite: (object: Stored) => void = () => {};
  /** What the policies of the cluster make of a child that is written. */
  admit: (child: Child) => Child = (child) => child;
  /** Kinds whose API this cluster lacks. */
  readonly missing = new Set<string>();
  /** What the kubelets and the scheduler say. */
  pods: Pod[] = [];
  writes = 0;
  reads = 0;
  readonly announced: (Announcement & { readonly uid: string })[] = [];

  /** Another cluster in the same state. */
  copy(): MemoryCluster {
    const copy = new MemoryCluster();
    copy.restore(this.snapshot());
    copy.admit = this.admit;
    copy.pods = this.pods;
    for (const kind of this.missing) copy.missing.add(kind);
    return copy;
  }

  snapshot = (): Snapshot => ({ objects: new Map(this.#objects), counts: new Map(this.#counts) });

  /** Goes back to an earlier state, or to that of another cluster. */
  restore({ objects, counts }: Snapshot): void {
    this.#objects = new Map(objects);
    this.#counts = new Map(counts);
  }

  async getWebsite(key: WebsiteKey): Promise<Website | undefined> {
    this.reads++;
    return this.#read(KIND, key) as Website | undefined;
  }

  async getChild<Kind extends ChildKind>(kind: Kind, { namespace, name }: WebsiteKey) {
    this.reads++;
    return this.#read(kind, { namespace, name: childName(kind, name) }) as ChildOfKind<Kind> | undefined;
  }

  async create(child: Desired<Child>): Promise<Child> {
    this.writes++;
    return this.#create({ ...this.admit({ ...child } as Child) }) as Child;
  }

  async replace(child: Child): Promise<Child> {
    this.writes++;
    return this.#update(child, this.#replacement(child)) as Child;
  }

  async rehearse(child: Child): Promise<Child> {
    this.reads++;
    const replacement = this.#replacement(child);
    return replacement(this.#checked(child));
  }

  async delete(child: Child): Promise<void> {
    this.writes++;
    this.#checked(child);
    this.#objects.delete(keyOf(child.kind, child.metadata));
  }

  async scale(website: Website, replicas: number): Promise<void> {
    this.writes++;
    this.#update(website, (stored) => ({ ...stored, spec: { ...(stored.spec as object), replicas } }));
  }

  async updateStatus(website: Website): Promise<Website> {
    this.writes++;
    return this.#update(website, (stored) => ({ ...stored, status: website.status })) as Website;
  }

  async rehearseStatus(website: Website): Promise<Website> {
    this.reads++;
    return { ...(this.#checked(website) as Website), status: website.status ?? {} };
  }

  async announce(website: Website, announcement: Announcement): Promise<void> {
    const { uid } = website.metadata;
    const { once } = announcement;
    if (once !== undefined && this.announced.some((each) => each.uid === uid && each.once === once)) return;
    this.announced.push({ ...announcement, uid });
  }

  async listPods(namespace: string, labels: Readonly<Record<string, string>>) {
    this.reads++;
    const has = (pod: Pod) => Object.entries(labels).every(([label, value]) => pod.metadata.labels?.[label] === value);
    return frozen(this.pods.filter((pod) => pod.metadata.namespace === namespace && has(pod)).slice(0, 50));
  }

  async *listWebsites() {
    yield* pagesOf(this.websites());
  }

  async *listChildren<Kind extends ChildKind>(kind: Kind) {
    const ours = this.all().filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === MANAGER);
    yield* pagesOf(ours.filter((object) => object.kind === kind) as ChildOfKind<Kind>[]);
  }

  // What users, third parties and other controllers do.

  /** Uninstalls an API, with all objects of it. */
  uninstall(kind: ChildKind): void {
    this.missing.add(kind);
    for (const object of this.all()) if (object.kind === kind) this.drop(kind, object.metadata);
  }

  apply(key: WebsiteKey, spec: unknown, metadata: Partial<ObjectMeta> = {}): Website {
    const stored = this.#read(KIND, key);
    if (stored === undefined) {
      return this.#create({ apiVersion: API_VERSION, kind: KIND, metadata: { ...key, ...metadata }, spec }) as Website;
    }
    return this.#update(stored, () => ({ ...stored, metadata: { ...stored.metadata, ...metadata }, spec })) as Website;
  }

  edit<T extends Stored>(object: T, change: Partial<T>): T {
    return this.#update(object, (stored) => ({ ...stored, ...change })) as T;
  }

  /** Deletes a child by hand, or a Website with all that it controls. */
  remove(kind: Stored['kind'], key: WebsiteKey): void {
    const stored = this.#read(kind, key);
    this.#objects.delete(keyOf(kind, key));
    for (const object of this.all()) {
      if (object.metadata.ownerReferences?.some(({ uid }) => uid === stored?.metadata.uid)) {
        this.#objects.delete(keyOf(object.kind, object.metadata));
      }
    }
  }

  /** What a deletion does at once: the garbage collector comes later. */
  drop(kind: Stored['kind'], key: WebsiteKey): void {
    this.#objects.delete(keyOf(kind, key));
  }

  /** Deletes children whose owners no longer exist. */
  collectGarbage(): void {
    const uids = new Set(this.all().map(({ metadata }) => metadata.uid));
    for (const { kind, metadata } of this.all()) {
      const { ownerReferences = [] } = metadata;
      if (ownerReferences.length > 0 && ownerReferences.every(({ uid }) => !uids.has(uid)))
        this.#objects.delete(keyOf(kind, metadata));
    }
  }

  /** The controller of HorizontalPodAutoscalers sees no load, or all of it. It leaves a Deployment at 0 alone, as Kubernetes does. */
  autoscale(to: 'minReplicas' | 'maxReplicas' = 'minReplicas'): void {
    for (const { kind, metadata, spec } of this.all()) {
      if (kind !== 'HorizontalPodAutoscaler') continue;
      const { scaleTargetRef, [to]: replicas = 1 } = spec as HorizontalPodAutoscaler['spec'];
      const target = this.#read(scaleTargetRef.kind, { ...metadata, name: scaleTargetRef.name }) as
        | Deployment
        | undefined;
      if (target === undefined || target.spec.replicas === 0) continue;
      this.edit(target, { spec: { ...target.spec, replicas } });
    }
  }

  /** The controllers, the Pods and the Gateways have done their part. */
  rollOut(): void {
    this.autoscale();
    for (const object of this.all()) {
      if (object.kind === 'HTTPRoute') this.edit(object as HttpRoute, { status: acceptedBy(object as HttpRoute) });
      if (object.kind !== 'Deployment') continue;
      const { replicas = 0 } = (object as Deployment).spec;
      const counts = { replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
      const status = { observedGeneration: object.metadata.generation ?? 0, ...counts };
      this.edit(object as Deployment, { status });
    }
  }

  /** Everything there is, as a text that two clusters in the same state have in common. */
  state = (): string =>
    [...this.#objects]
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, object]) => `${key} ${textOf(object)}`)
      .join('\n');
  all = (): Stored[] => [...this.#objects.values()];
  websites = (): Website[] => this.all().filter((object): object is Website => object.kind === KIND);
  children = (): Child[] => this.all().filter((object): object is Child => object.kind !== KIND);

  #replacement(child: Child): (stored: Stored) => Child {
    if (this.#read(child.kind, child.metadata) === undefined)
      throw refusal('Conflict', keyOf(child.kind, child.metadata));
    const { metadata, spec } = this.admit(frozen(child));
    return (stored) => ({ ...stored, metadata, spec }) as Child;
  }

  #read(kind: string, key: WebsiteKey): Stored | undefined {
    return this.#objects.get(keyOf(kind, key));
  }

  #create(object: { readonly kind: string; readonly metadata: WebsiteKey; readonly [field: string]: unknown }): Stored {
    const key = keyOf(object.kind, object.metadata);
    if (this.missing.has(object.kind)) throw refusal('MissingApi', key);
    if (this.#objects.has(key)) throw refusal('AlreadyExists', key);
    const { versions, uids } = this.#counts.get(key) ?? { versions: 0, uids: 0 };
    this.#counts.set(key, { versions, uids: uids + 1 });
    const metadata = { ...object.metadata, uid: `uid ${uids + 1} of ${key}`, generation: 1 };
    return this.#store(key, { ...object, metadata } as unknown as Stored);
  }

  #update(object: Stored, change: (stored: Stored) => object): Stored {
    const stored = this.#checked(object);
    const next = change(stored) as Stored;
    if (differences(stored, next).length === 0) return stored;
    const spec = differences(stored.spec, next.spec).length > 0;
    const generation = (stored.metadata.generation ?? 0) + (spec ? 1 : 0);
    return this.#store(keyOf(stored.kind, stored.metadata), { ...next, metadata: { ...next.metadata, generation } });
  }

  #checked({ kind, metadata }: Stored): Stored {
    const stored = this.#read(kind, metadata);
    const key = keyOf(kind, metadata);
    if (stored === undefined) throw refusal('NotFound', key);
    const same = stored.metadata.uid === metadata.uid && stored.metadata.resourceVersion === metadata.resourceVersion;
    if (!same) throw refusal('Conflict', key);
    return stored;
  }

  #store(key: string, object: Stored): Stored {
    const { versions = 0, uids = 0 } = this.#counts.get(key) ?? {};
    this.#counts.set(key, { versions: versions + 1, uids });
    const stored = frozen({ ...object, metadata: { ...object.metadata, resourceVersion: String(versions + 1) } });
    this.#objects.set(key, stored);
    this.onWrite(stored);
    return stored;
  }
}

/** Small, so that most lists in tests have several pages. */
const PAGE = 2;

function* pagesOf<T extends { readonly metadata: WebsiteKey }>(objects: readonly T[]): Generator<readonly T[]> {
  const ordered = objects.toSorted((one, other) => (keyText(one.metadata) < keyText(other.metadata) ? -1 : 1));
  for (let from = 0; from < ordered.length; from += PAGE) yield ordered.slice(from, from + PAGE);
}

const keyOf = (kind: string, { namespace, name }: WebsiteKey): string => `${kind}/${namespace}/${name}`;

const refusal = (code: ErrorCode, what: string): ClusterError => new ClusterError(code, `${code}: ${what}`);
