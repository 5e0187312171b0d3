import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { getCACertificates } from 'node:tls';
import { HTTP } from 'cloudevents';
import { Agent } from 'undici';
import { retryAfterSeconds } from '../../functions/cluster/errors.ts';
import { exchange } from '../../functions/cluster/exchange.ts';
import { VERSIONS_HEADER, versionsFrom } from '../../functions/website/event.ts';
import { credentialsFrom, type Credentials } from './credentials.ts';
import { failureOf, type Delivery, type Sink } from './sink.ts';
import { isMetadataAddress, type HttpSinkConfig } from './sink-config.ts';

/** Bodies of answers are not read beyond this: they are for people who call by hand. */
const LARGEST_ANSWER = 16 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** These say that the event itself is wrong, and would be wrong again. */
const REJECTIONS: ReadonlySet<number> = new Set([400, 413, 415]);

/** A CloudEvents endpoint. Redirects are never followed: the sink is whom the operator named. */
export function httpSink(config: HttpSinkConfig, parallel: number): Sink {
  const { url, mode, caCertificates } = config;
  const credentials = credentialsFrom(config.credentials);
  const agent = new Agent({
    allowH2: false,
    connections: parallel,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: {
      lookup: guardedLookup,
      ...(caCertificates === undefined ? {} : { ca: [...getCACertificates(), caCertificates] }),
    },
  });
  return {
    async send(event, timeoutMs) {
      const { headers, body } = HTTP[mode](event);
      try {
        const message = { id: event.id, body: typeof body === 'string' ? body : '' };
        const request = {
          origin: url.origin,
          path: url.pathname + url.search,
          method: 'POST',
          headers: { ...(headers as Record<string, string>), ...(await headersOf(credentials, message)) },
          body: message.body,
        } as const;
        const answer = await exchange(agent, request, { timeoutMs, unwanted: LARGEST_ANSWER });
        return judged(answer.status, (name) => [answer.headers[name]].flat()[0]);
      } catch (error) {
        return failureOf(error);
      }
    },
    close: () => agent.destroy(),
  };
}

/** The check of the sink's name, for what the name leads to at the time. */
const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, address, family) => {
    const found: readonly string[] = Array.isArray(address) ? address.map((each) => each.address) : [address];
    if (error === null && found.some(isMetadataAddress))
      callback(new Error(`${hostname} leads to a link-local or metadata address`), address, family);
    else callback(error, address, family);
  });
};

async function headersOf(credentials: readonly Credentials[], message: Parameters<Credentials>[0]) {
  const headers: Record<string, string> = {};
  for (const each of credentials) Object.assign(headers, await each(message));
  return headers;
}

type Header = (name: string) => string | undefined;

function judged(status: number, header: Header): Delivery {
  if (status >= 200 && status < 300) return accepted(status, header);
  const why = status >= 300 && status < 400 ? 'redirects are not followed' : `HTTP ${status}`;
  if (REJECTIONS.has(status)) return { kind: 'rejected', status, why };
  const seconds = retryAfterSeconds(header('retry-after'));
  return { kind: 'failed', status, why, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) };
}

function accepted(status: number, header: Header): Delivery {
  const outcome = header('website-outcome');
  const actions = header('website-actions');
  const versions = header(VERSIONS_HEADER);
  const requeueAfterSeconds = retryAfterSeconds(header('website-requeue-after'));
  return {
    kind: 'accepted',
    status,
    ...(outcome === undefined ? {} : { outcome }),
    ...(actions === undefined ? {} : { actions }),
    ...(versions === undefined ? {} : { versions: versionsFrom(versions) }),
    ...(requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds }),
  };
}
