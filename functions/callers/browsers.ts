import type { Config } from '../config.ts';
import { isLoopback } from '../settings/loopback.ts';
import { logRefusal } from './refusals.ts';
import type { Log } from '../telemetry/log.ts';
import type { Thinned } from '../telemetry/thinned.ts';
import { problem, type Reply } from '../reply.ts';

/**
 * Refuses requests that a web page may have sent, if callers are not authenticated. Any page may post to loopback, and with DNS
 * rebinding it may do so under its own host name. So both the Host header and the page's Origin must name this machine or one of
 * ALLOWED_HOSTS.
 */
export function browserRefusal(
  headers: Readonly<Record<string, string>>,
  { allowedHosts }: Pick<Config, 'allowedHosts'>,
  { log, thinned }: { readonly log: Log; readonly thinned: Thinned },
): Reply | undefined {
  const { host, origin } = headers;
  const isAllowed = (name: string | undefined) =>
    name !== undefined && (isLoopback(name) || allowedHosts.includes(name) || allowedHosts.includes('*'));
  const isHostAllowed = isAllowed(hostOf(`http://${host ?? ''}`));
  if (isHostAllowed && (origin === undefined || isAllowed(hostOf(origin)))) return undefined;
  const header = isHostAllowed ? 'Origin' : 'Host';
  logRefusal({ why: `${header} is not allowed` }, thinned, log);
  return problem(
    403,
    `The ${header} header names neither localhost nor one of ALLOWED_HOSTS. Add the host name to ALLOWED_HOSTS, or configure tokens`,
  );
}

/** The host name in lower case, without the port and without a trailing dot. */
const hostOf = (url: string): string | undefined =>
  /^\w+:\/\/[^/?#\\@]+$/.test(url) ? URL.parse(url)?.hostname.replace(/\.$/, '') : undefined;
