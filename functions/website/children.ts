import type { V1DeploymentSpec, V1DeploymentStatus, V1IngressSpec, V1ServiceSpec } from '@kubernetes/client-node';
import { GROUP, PLURAL, type ObjectMeta } from './resource.ts';

/** What a class of client-node looks like as JSON; the classes themselves would drop fields that they do not know. */
export type Json<T> = T extends Date ? string : T extends object ? { [Key in keyof T]: Json<T[Key]> } : T;

/** The objects that a Website consists of. */
export interface Deployment extends ChildOf<'apps/v1', 'Deployment', V1DeploymentSpec> {
  readonly status?: Json<V1DeploymentStatus>;
}
export type Service = ChildOf<'v1', 'Service', V1ServiceSpec>;
export type Ingress = ChildOf<'networking.k8s.io/v1', 'Ingress', V1IngressSpec>;
export type Child = Deployment | Service | Ingress;
export type ChildKind = Child['kind'];

interface ChildOf<ApiVersion extends string, Kind extends string, Spec> {
  readonly apiVersion: ApiVersion;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
  readonly spec: Json<Spec>;
}

/** The children of one Website: those that were read, or those that it should have. */
export interface Children {
  readonly deployment?: Deployment | undefined;
  readonly service?: Service | undefined;
  readonly ingress?: Ingress | undefined;
}

/** resourceVersions of a Website and its children, as far as they are known. */
export type Versions = Readonly<Partial<Record<'Website' | ChildKind, string>>>;

/** Where each kind lives: its API version, and the plural that paths and RBAC use. */
export const CHILD_APIS = {
  Deployment: { apiVersion: 'apps/v1', plural: 'deployments' },
  Service: { apiVersion: 'v1', plural: 'services' },
  Ingress: { apiVersion: 'networking.k8s.io/v1', plural: 'ingresses' },
} as const satisfies {
  [Kind in ChildKind]: { readonly apiVersion: Extract<Child, { kind: Kind }>['apiVersion']; readonly plural: string };
};

/** Name of a child: `shop-deployment`, `shop-service`, `shop-ingress`. */
export const childName = (kind: ChildKind, website: string): string => `${website}-${kind.toLowerCase()}`;

export const MANAGED_BY = 'app.kubernetes.io/managed-by';
export const MANAGER = 'website-reconciler';
/** Selects the children of all Websites. */
export const CHILD_SELECTOR = `${MANAGED_BY}=${MANAGER}`;

/**
 * On a Deployment whose Website has, or had, an Ingress. It is written before the Ingress is created and removed after the
 * Ingress is deleted, so that a run knows from the Deployment alone whether there may be an Ingress to read.
 */
export const HAS_INGRESS = `${PLURAL}.${GROUP}/has-ingress`;
/**
 * On what depends on the spec: the generation it was written for. A run that decided by an older spec finds that a newer run
 * wrote, even where both wanted the same, since this differs.
 */
export const GENERATION = `${PLURAL}.${GROUP}/generation`;
/** On an Ingress whose class comes from the spec and not from the cluster's default, which only creation applies. */
export const CLASS_FROM_SPEC = `${PLURAL}.${GROUP}/ingress-class-from-spec`;

/** A Deployment that says that there may be an Ingress. */
export function withMark(deployment: Deployment): Deployment {
  const { metadata } = deployment;
  return { ...deployment, metadata: { ...metadata, annotations: { ...metadata.annotations, [HAS_INGRESS]: 'true' } } };
}
