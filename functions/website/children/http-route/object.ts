// The Gateway API has no types in client-node. These are the fields that this project writes, and those that it reads.
import type { ChildOf } from '../kind.ts';

export const GATEWAY_API = 'gateway.networking.k8s.io/v1';

/** One Gateway, or one listener of it. The API server fills in the group and the kind. */
export interface ParentRef {
  readonly group?: string | undefined;
  readonly kind?: string | undefined;
  readonly name: string;
  /** That of the route if absent. */
  readonly namespace?: string | undefined;
  readonly sectionName?: string | undefined;
}

interface HttpRouteSpec {
  /** Another writer may leave it out: the API allows a route without a parent. */
  readonly parentRefs?: readonly ParentRef[];
  readonly hostnames?: readonly string[];
  readonly rules: readonly {
    readonly matches: readonly { readonly path: { readonly type: string; readonly value: string } }[];
    readonly backendRefs: readonly {
      readonly group: string;
      readonly kind: string;
      readonly name: string;
      readonly port: number;
      readonly weight: number;
    }[];
  }[];
}

/** What one controller says about the route at one parent. */
export interface RouteParent {
  readonly parentRef: ParentRef;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly observedGeneration?: number;
    readonly reason?: string;
    readonly message?: string;
  }[];
}

export interface HttpRoute extends ChildOf<typeof GATEWAY_API, 'HTTPRoute', HttpRouteSpec> {
  readonly status?: { readonly parents?: readonly RouteParent[] };
}
