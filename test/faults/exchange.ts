import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { inPieces, remembered, throughLines, upTo, type Change } from './body.ts';
import type { Fault } from './fault.ts';

/** What a proxy stands before, and the credentials that it has there. */
export interface Target {
  readonly url: URL;
  readonly credentials: RequestOptions;
}

/** One request, and all that it takes to answer it. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly target: Target;
  /** The first whole answer to each path. */
  readonly memory: Map<string, Buffer>;
}

type NameOf<One> = One extends unknown ? keyof One : never;
type Name = Exclude<NameOf<Fault>, 'reason' | 'message' | 'retryAfter' | 'location'>;
type Named<One extends Name> = Extract<Fault, Record<One, unknown>>;

const FAULTS: { readonly [One in Name]: (exchange: Exchange, fault: Named<One>) => void } = {
  answer: refuse,
  drop: (exchange, { drop }) => (drop === 'before' ? void unread(exchange).destroy() : loseAnswer(exchange)),
  close: (exchange) => void begin(exchange).end(),
  line: (exchange, { line }) => void begin(exchange).end(`${line}\n`),
  freeze: (exchange) => void begin(exchange),
  cutAfter: (exchange, { cutAfter }) => pass(exchange, upTo(cutAfter), 'broken'),
  truncateAfter: (exchange, { truncateAfter }) => pass(exchange, upTo(truncateAfter)),
  delayMs: (exchange, { delayMs }) => void delay(delayMs).then(() => pass(exchange)),
  until: (exchange, { until }) => void until.then(() => pass(exchange)),
  pieceEveryMs: (exchange, { pieceEveryMs }) => pass(exchange, inPieces(pieceEveryMs)),
  lines: (exchange, { lines }) => pass(exchange, throughLines(lines)),
  stale: repeat,
};
const NAMES = Object.keys(FAULTS) as Name[];

/** Answers a request: passes it on, or does to it what the fault says. */
export function handle(fault: Fault | undefined, exchange: Exchange): void {
  const name = fault === undefined ? undefined : NAMES.find((each) => each in fault);
  if (fault === undefined || name === undefined) pass(exchange);
  else (FAULTS[name] as (exchange: Exchange, fault: Fault) => void)(exchange, fault);
}

function unread({ incoming, outgoing }: Exchange): ServerResponse {
  incoming.resume();
  return outgoing;
}

function begin(exchange: Exchange): ServerResponse {
  const outgoing = unread(exchange).writeHead(200, { 'content-type': 'application/json' });
  outgoing.flushHeaders();
  return outgoing;
}

function refuse(exchange: Exchange, fault: Named<'answer'>): void {
  const { answer: code, reason, message = 'injected', retryAfter, location } = fault;
  const headers = {
    'content-type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    ...(location === undefined ? {} : { location }),
  };
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code };
  unread(exchange).writeHead(code, headers).end(JSON.stringify(body));
}

function repeat(exchange: Exchange): void {
  const answer = exchange.memory.get(exchange.incoming.url ?? '');
  if (answer === undefined) pass(exchange);
  else begin(exchange).end(answer);
}

function loseAnswer(exchange: Exchange): void {
  send(exchange, (response) => {
    response.resume();
    exchange.outgoing.destroy();
  });
}

function pass(exchange: Exchange, change?: Change, end: 'whole' | 'broken' = 'whole'): void {
  const { incoming, outgoing, memory } = exchange;
  const { url = '/' } = incoming;
  send(exchange, (response) => {
    // What is changed has another length.
    const { 'content-length': length, ...others } = response.headers;
    outgoing.writeHead(response.statusCode ?? 502, {
      ...others,
      ...((change ?? !length) ? {} : { 'content-length': length }),
    });
    outgoing.flushHeaders();
    const isMemorable = !memory.has(url) && response.statusCode === 200 && !url.includes('watch=1');
    const passed = change ?? remembered((body) => isMemorable && memory.set(url, body));
    pipeline(response, passed, outgoing, { end: end === 'whole' }).then(
      // Once what was written has gone.
      () => end === 'broken' && setImmediate(() => outgoing.destroy()),
      () => outgoing.destroy(),
    );
  });
}

function send({ incoming, outgoing, target }: Exchange, answered: (response: IncomingMessage) => void): void {
  // The client has given up.
  if (outgoing.destroyed) return;
  const { method = 'GET', url = '/' } = incoming;
  const { authorization: _, ...given } = incoming.headers;
  const headers = { ...given, ...(target.credentials.headers as Record<string, string>), host: target.url.host };
  const open = target.url.protocol === 'https:' ? httpsRequest : httpRequest;
  const upstream = open(new URL(url, target.url), { ...target.credentials, method, headers }, answered);
  upstream.on('error', () => outgoing.destroy());
  outgoing.on('close', () => upstream.destroy());
  incoming.pipe(upstream);
}
