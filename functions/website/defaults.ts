import * as z from 'zod';
import { hostsOf } from './children/published.ts';
import { websiteKey, type Website, type WebsiteKey, type WebsiteSpec } from './resource.ts';

/** What the operator decides for all Websites. */
export interface Defaults {
  /** The Gateway of Websites that state neither a Gateway nor anything that takes an Ingress. */
  readonly gateway?: WebsiteKey | undefined;
  /** Whether a Website may name no other Gateway. */
  readonly isOnlyGateway?: boolean | undefined;
}

/** Parses `namespace/name` of a Gateway. */
export const gatewayName = z
  .string()
  .transform((text) => text.split('/'))
  .refine(
    ([namespace, name, ...rest]) => rest.length === 0 && websiteKey.safeParse({ namespace, name }).success,
    'must be the namespace and name of a Gateway, such as infra/public',
  )
  .transform(([namespace = '', name = '']): WebsiteKey => ({ namespace, name }));

/** The spec, with the defaults where it states nothing. A certificate or a class in the spec is for an Ingress. */
export function withDefaults(spec: WebsiteSpec, { gateway }: Defaults): WebsiteSpec {
  const { tls, tlsSecretName, ingressClassName } = spec;
  const isStated = [spec.gateway, tls, tlsSecretName, ingressClassName].some((field) => field !== undefined);
  return gateway === undefined || isStated || hostsOf(spec).length === 0 ? spec : { ...spec, gateway };
}

/** Why the operator does not allow a spec. Undefined if it is allowed. */
export function problemWith(
  { metadata }: Website,
  { gateway: stated }: WebsiteSpec,
  { gateway, isOnlyGateway = false }: Defaults,
): string | undefined {
  if (stated === undefined || gateway === undefined || !isOnlyGateway) return undefined;
  const { name, namespace = metadata.namespace } = stated;
  if (name === gateway.name && namespace === gateway.namespace) return undefined;
  return `spec.gateway: must be ${gateway.name} of namespace ${gateway.namespace}, the only Gateway that the operator allows`;
}
