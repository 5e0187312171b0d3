import { gatewayName, type Defaults } from '../../functions/website/defaults.ts';
import { UsageError } from '../usage.ts';

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
  const gateway = gatewayName.safeParse(defaultGateway);
  if (!gateway.success)
    throw new UsageError(`--default-gateway must be NAMESPACE/NAME of a Gateway, but is ${defaultGateway}`);
  return { gateway: gateway.data, isOnlyGateway: onlyDefaultGateway === true };
}
