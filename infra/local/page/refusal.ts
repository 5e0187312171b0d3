import type { IncomingMessage } from 'node:http';
import { isLoopback } from '../../../functions/settings/loopback.ts';

interface Refusal {
  readonly status: 403 | 405;
  readonly why: string;
}

/**
 * Why the page does not answer a request. With DNS rebinding, any web page may send requests to this machine under its own host name,
 * so the Host header must name this machine. Other web pages may only link to the page.
 */
export function refusalOf({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>): Refusal | undefined {
  if (!isLoopback(hostOf(headers.host)))
    return { status: 403, why: 'The Host header must name this machine: localhost' };
  if (isOfAnotherPage(headers)) return { status: 403, why: 'Another web page may not read this' };
  return method === 'GET' || method === 'HEAD' ? undefined : { status: 405, why: 'The page only reads: use GET' };
}

/** Without the port. Empty if it is not a host name. */
const hostOf = (header = ''): string =>
  /^[^/?#\\@]+$/.test(header) ? (URL.parse(`http://${header}`)?.hostname ?? '') : '';

/** Browsers state it, and their pages cannot change it. */
const isOfAnotherPage = (headers: IncomingMessage['headers']): boolean =>
  ['cross-site', 'same-site'].includes(String(headers['sec-fetch-site'])) && headers['sec-fetch-mode'] !== 'navigate';
