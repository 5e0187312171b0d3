import type { V1DeploymentSpec, V1DeploymentStatus } from '@kubernetes/client-node';
import type { ChildOf, Json } from '../kind.ts';

export interface Deployment extends ChildOf<'apps/v1', 'Deployment', V1DeploymentSpec> {
  readonly status?: Json<V1DeploymentStatus>;
}
