import { getCACertificates } from 'node:tls';
import { HTTP } from 'cloudevents';
import { Agent } from 'undici';
import { retryAfterSeconds } from '../../../functions/cluster/refusals.ts';
import { exchange, type Answer } from '../../../functions/cluster/exchange.ts';
import { Troubles } from '../../../functions/cluster/troubles.ts';
import { batchAnswers, VERSIONS_HEADER, versionsFrom } from '../../../functions/events/website-event.ts';
import { encodedAttributes } from '../../../functions/events/header-text.ts';
import { batching } from './batches.ts';
import { credentialsFrom, type Credentials } from './credentials.ts';
import type { WebsiteEvent } from '../event.ts';
import { guardedLookup } from './metadata-address.ts';
import { failureOf, type Delivery, type Sink } from './sink.ts';
import type { HttpSinkConfig } from './config.ts';

/** Limit for the body of a response, in bytes. */
const LARGEST_ANSWER = 64 * 1024;
const KEEP_ALIVE_MS = 30_000;
/** Statuses that blame the event itself, so a retry would fail in the same way. */
const REJECTIONS: ReadonlySet<number> = new Set([400, 413, 415]);

/** Sends events to a CloudEvents endpoint. It never follows redirects: events go only to the URL that the operator configured. */
export function httpSink(config: HttpSinkConfig, parallel: number, troubles = new Troubles()): Sink {
  const { url, mode, caCertificates } = config;
  const credentials = credentialsFrom(config.credentials, troubles);
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
  const target = { origin: url.origin, path: url.pathname + url.search, method: 'POST' } as const;
  async function post(message: Message, timeoutMs: number, isBodyUnwanted: boolean): Promise<Answer> {
    const headers = { ...message.headers, ...(await headersOf(credentials, message)) };
    const limits = { timeoutMs, largest: LARGEST_ANSWER, isBodyUnwanted };
    return exchange(agent, { ...target, headers, body: message.body }, limits);
  }
  async function sendOne(message: Message, timeoutMs: number): Promise<Delivery> {
    try {
      // The response body is meant for people who call the endpoint by hand.
      return judged(await post(message, timeoutMs, true));
    } catch (error) {
      return failureOf(error);
    }
  }
  async function sendAll(events: readonly WebsiteEvent[], timeoutMs: number): Promise<readonly Delivery[]> {
    try {
      const answer = await post(batchOf(events), timeoutMs, false);
      const deliveries = judgedEach(answer, events.length);
      // The sink rejected the batch without saying which event is at fault: send each one alone.
      const isAmbiguous = deliveries === undefined && REJECTIONS.has(answer.status) && events.length > 1;
      if (isAmbiguous) return (await Promise.all(events.map((event) => sendAll([event], timeoutMs)))).flat();
      return deliveries ?? events.map(() => judged(answer));
    } catch (error) {
      return events.map(() => failureOf(error));
    }
  }
  return {
    send: mode === 'batched' ? batching(sendAll) : (event, timeoutMs) => sendOne(messageOf(event, mode), timeoutMs),
    close: () => agent.destroy(),
  };
}

interface Message {
  /** For the signature, which covers it. */
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function messageOf(event: WebsiteEvent, mode: 'binary' | 'structured'): Message {
  const { headers, body } = HTTP[mode](event);
  return { id: event.id, headers: encodedAttributes(headers), body: typeof body === 'string' ? body : '' };
}

/** Source: CloudEvents HTTP protocol binding 3.3. */
const batchOf = (events: readonly WebsiteEvent[]): Message => ({
  id: events.map(({ id }) => id).join(','),
  headers: { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' },
  body: JSON.stringify(events),
});

/** The result of each event in a batch, or undefined if the response does not list one for each. */
function judgedEach({ text }: Answer, count: number): Delivery[] | undefined {
  try {
    const answers = batchAnswers.parse(JSON.parse(text));
    return answers.length === count ? answers.map(judged) : undefined;
  } catch {
    return undefined;
  }
}

async function headersOf(credentials: readonly Credentials[], message: Message) {
  const headers: Record<string, string> = {};
  for (const each of credentials) Object.assign(headers, await each(message));
  return headers;
}

function judged({ status, headers }: Pick<Answer, 'status' | 'headers'>): Delivery {
  const header = (name: string) => [headers[name]].flat()[0];
  if (status >= 200 && status < 300) return accepted(status, header);
  const why = status >= 300 && status < 400 ? 'redirects are not followed' : `HTTP ${status}`;
  if (REJECTIONS.has(status)) return { kind: 'rejected', status, why };
  const seconds = retryAfterSeconds(header('retry-after'));
  return { kind: 'failed', status, why, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) };
}

function accepted(status: number, header: (name: string) => string | undefined): Delivery {
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
    ...(requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds: Math.max(requeueAfterSeconds, 1) }),
  };
}
