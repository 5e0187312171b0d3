import type { Config } from '../config.ts';
import { isLoopback } from '../settings/loopback.ts';
import type { Log } from '../telemetry/log.ts';
import { problem, type Reply } from '../reply.ts';

/**
 * The answer to a request that a web page may have made a browser send, where callers are not asked who they are. A page of any site
 * may post to loopback, and with DNS rebinding under a name of its own. So the request has to name this machine or one of
 * ALLOWED_HOSTS, and so has the page that it comes from.
 */
export function browserRefusal(
  headers: Readonly<Record<string, string>>,
  { allowedHosts }: Pick<Config, 'allowedHosts'>,
  log: Log,
): Reply | undefined {
  const { host, origin } = headers;
  const isAllowed = (name: string | undefined) =>
    name !== undefined && (isLoopback(name) || allowedHosts.includes(name) || allowedHosts.includes('*'));
  const isForeign = !isAllowed(hostOf(`http://${host ?? ''}`));
  if (!isForeign && (origin === undefined || isAllowed(hostOf(origin)))) return undefined;
  log.warn({ why: isForeign ? 'another Host' : 'another Origin' }, 'Refused caller');
  return problem(
    403,
    `The ${isForeign ? 'Host' : 'Origin'} header names neither localhost nor one of ALLOWED_HOSTS: set that to the names by which the functions are called, or ask callers for tokens`,
  );
}

/** The host's name in lower case, without a port and the dot of the root. */
const hostOf = (url: string): string | undefined =>
  /^\w+:\/\/[^/?#\\@]+$/.test(url) ? URL.parse(url)?.hostname.replace(/\.$/, '') : undefined;
