import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP, type CloudEventV1 } from 'cloudevents';
import type { EventData } from '../../functions/events/website-event.ts';

/** An event as a sink saw it. */
export interface Received {
  readonly id: string;
  readonly type: 'changed' | 'deleted' | 'drifted';
  /** Of the Website. */
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string | undefined;
  readonly generation: number | undefined;
  readonly reason: string;
  /** When it came, in milliseconds. */
  readonly at: number;
}

/** What a sink says to an event, and when; 204 at once when absent. */
export interface Answer {
  readonly status?: number;
  readonly after?: Promise<void> | undefined;
  /** A body that does not end. */
  readonly body?: 'endless' | undefined;
}

const ACCEPTED = 204;

/** Takes CloudEvents, and remembers those of one namespace: the cluster is everybody's. */
export interface Sink {
  readonly url: string;
  /** Everything that came, in order. */
  readonly attempts: Received[];
  /** What was answered with a 2xx, in the order in which it came. */
  readonly accepted: Received[];
  /** Times at which a resync was asked for. */
  readonly resyncs: number[];
  /** How it answers from now on. */
  answer: (event: Received) => Answer;
  /** Called for every accepted event. */
  took: (event: Received) => void;
  close(): Promise<void>;
}

export async function startSink(
  namespace: string,
  { host, port }: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
): Promise<Sink> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const events = HTTP.toEvent<EventData>({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      if (Array.isArray(events)) void respondToEach(response, events.map(answerTo));
      else void respond(response, answerTo(events));
    });
  });
  function answerTo({ type, id, data }: CloudEventV1<EventData>): Answer {
    if (type.endsWith('.resync')) sink.resyncs.push(performance.now());
    return data?.namespace === namespace ? receive(sink, { id, type, ...data }) : {};
  }
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const sink: Sink = {
    url: `http://${host}:${(server.address() as AddressInfo).port}/`,
    attempts: [],
    accepted: [],
    resyncs: [],
    answer: () => ({}),
    took: () => {},
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return sink;
}

function receive(
  sink: Sink,
  { id, type, name, uid, resourceVersion, generation, reason }: EventData & { id: string; type: string },
): Answer {
  const short = type.split('.').at(-1) as Received['type'];
  const event = { id, type: short, name, uid, resourceVersion, generation, reason, at: performance.now() };
  const answer = sink.answer(event);
  sink.attempts.push(event);
  if ((answer.status ?? ACCEPTED) < 300) {
    sink.accepted.push(event);
    sink.took(event);
  }
  return answer;
}

async function respond(response: ServerResponse, { status = ACCEPTED, after, body }: Answer): Promise<void> {
  await after;
  response.writeHead(status).flushHeaders();
  if (body === undefined) response.end();
}

/** The answer to a batch, as the functions give it. */
async function respondToEach(response: ServerResponse, answers: readonly Answer[]): Promise<void> {
  await Promise.all(answers.map(async ({ after }) => after));
  const replies = answers.map(({ status = ACCEPTED }) => ({ status, headers: {} }));
  const isGood = replies.every(({ status }) => status < 300);
  response.writeHead(isGood ? 200 : 503, { 'content-type': 'application/json' }).end(JSON.stringify(replies));
}

/** Each event once, where it came first: what comes again is the same event. */
export function firstDeliveries(events: readonly Received[]): Received[] {
  const ids = new Set<string>();
  return events.filter(({ id }) => !ids.has(id) && ids.add(id));
}
