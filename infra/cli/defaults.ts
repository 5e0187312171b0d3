import { websiteKey } from '../../functions/website/resource.ts';
import type { Defaults } from '../../functions/website/defaults.ts';
import { UsageError } from './errors.ts';

/** The flags that repeat settings of the functions: without them, a plan could differ from what the functions do. */
export interface DefaultFlags {
  readonly defaultGateway?: string;
  readonly onlyDefaultGateway?: boolean;
}

export const DEFAULT_OPTIONS = [
  ['--default-gateway <namespace/name>', 'DEFAULT_GATEWAY of the functions, if they have one'],
  ['--only-default-gateway', 'set if the functions have ONLY_DEFAULT_GATEWAY'],
] as const;

/** @throws UsageError */
export function defaultsFrom({ defaultGateway, onlyDefaultGateway }: DefaultFlags): Defaults {
  if (defaultGateway === undefined) {
    if (onlyDefaultGateway === true) throw new UsageError('--only-default-gateway needs --default-gateway');
    return {};
  }
  const [namespace, name, ...rest] = defaultGateway.split('/');
  const key = websiteKey.safeParse({ namespace, name });
  if (!key.success || rest.length > 0)
    throw new UsageError(`--default-gateway must be NAMESPACE/NAME of a Gateway, but is ${defaultGateway}`);
  return { gateway: key.data, isOnlyGateway: onlyDefaultGateway === true };
}
