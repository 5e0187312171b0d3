import type { ReadyReason, Verdict } from '../reasons.ts';
import type { ObjectMeta, Website, WebsiteSpec, WebsiteStatus } from '../resource.ts';

/** The JSON form of a client-node class; the classes themselves drop fields that they do not know. */
export type Json<T> = T extends Date ? string : T extends object ? { [Key in keyof T]: Json<T[Key]> } : T;

/** What every child has. */
export interface ChildObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: unknown;
  readonly status?: unknown;
}

/** A child of one kind, with the spec of its client-node class. */
export interface ChildOf<ApiVersion extends string, Kind extends string, Spec> extends ChildObject {
  readonly apiVersion: ApiVersion;
  readonly kind: Kind;
  readonly spec: Json<Spec>;
}

/** The desired state of a child: only the fields that this project owns, as the API server will store them. */
export type Desired<T extends ChildObject> = Omit<T, 'metadata' | 'status'> & { readonly metadata: DesiredMeta };
export type DesiredMeta = Pick<ObjectMeta, 'name' | 'namespace'> &
  Required<Pick<ObjectMeta, 'labels' | 'annotations' | 'ownerReferences'>>;

/**
 * Everything that this project knows about one kind of child. `kinds.ts` lists the kinds, and all other code iterates over that
 * table.
 */
export interface KindOfChild<T extends ChildObject = ChildObject> {
  readonly apiVersion: T['apiVersion'];
  readonly kind: T['kind'];
  /** The word that paths and RBAC rules use: `deployments`. */
  readonly plural: string;
  /** Every Website has an `always` child. The Deployment's annotation lists the `optional` ones (marks.ts). */
  readonly presence: 'always' | 'optional';
  /** True if the desired state depends on more of the spec than `childMetadata`. The child then always carries its generation. */
  readonly dependsOnSpec: boolean;
  /** For a kind whose API a cluster may lack: what to install to have it. Without the API, there is no such child. */
  readonly optionalApi?: string;

  /** Undefined if the spec needs no such child. */
  desired(website: Website, spec: WebsiteSpec): Desired<T> | undefined;
  /** Our fields, laid over the object that was read. Fields of other writers stay. */
  merged(have: T, want: Desired<T>): T;
  /** The Pod selector of the object, for a kind that has one. */
  selector?(have: T): unknown;
  /** What the object has that the API server never changes, such as `has another selector`. A person must delete it first. */
  immutable?(have: T, website: Website): string | undefined;
  /** What to create after deleting the object, where an update cannot lead to the desired state. */
  recreated?(have: T, want: Desired<T>): Desired<T> | undefined;
  /**
   * Advice on a write that was reverted or refused, where this project knows more than the API server's message.
   * @param problem the paths of the fields that did not last, or the API server's message
   */
  hint?(spec: T['spec'], problem: string): string | undefined;

  /**
   * What this child says about the readiness of the site. `have` is absent until the child is created. Every run that computes a
   * status from the children looks at all kinds that define this.
   */
  readiness?(have: T | undefined, spec: WebsiteSpec): Verdict;
  /** Every reason that `readiness` may give. */
  readonly readyReasons?: readonly ReadyReason[];
  /** The part of the status that describes this child. `have` is absent while this Website owns no such child. */
  statusFields?(website: Website, have: T | undefined): WebsiteStatus;
  /** The URL under which the site can be reached through this child. */
  url?(website: Website, spec: WebsiteSpec): string | undefined;

  /** The part of the object's status whose changes are worth an event. Spec, labels, annotations and owners always are. */
  watchedStatus?(status: unknown): unknown;
  /** Paths whose values a Kubernetes Event may show. Other values may be confidential. */
  readonly publicPaths?: RegExp;
}
