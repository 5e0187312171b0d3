import type { Log } from '../telemetry/log.ts';
import type { Thinned } from '../telemetry/thinned.ts';

/** @param about.why is one of a few texts of ours, because it names the problem. */
export const logRefusal = (
  about: { readonly why: string; readonly [field: string]: unknown },
  thinned: Thinned,
  log: Log,
): void => thinned.log(log, 'warn', about.why, about, 'Refused caller');
