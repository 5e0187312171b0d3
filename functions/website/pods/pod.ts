import type { V1ContainerStatus, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import type { Json } from '../children/kind.ts';
import type { ObjectMeta } from '../resource.ts';

/** A Pod as it was read, as far as this project reads it. */
export interface Pod {
  readonly metadata: ObjectMeta;
  readonly spec: Json<V1PodSpec>;
  readonly status?: Json<V1PodStatus>;
}

export type PodContainer = Pod['spec']['containers'][number];
export type ContainerStatus = Json<V1ContainerStatus>;

/** The label by which the Deployment controller tells the Pods of one template from those of another. */
export const TEMPLATE_HASH = 'pod-template-hash';
