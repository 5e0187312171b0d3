import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';

/** What happens to a request instead of, or on top of, being passed on. */
export type Fault =
  /** Answers with a Kubernetes Status and does not pass the request on. */
  | { readonly answer: number; readonly reason?: string; readonly retryAfter?: number }
  /** Breaks the connection before there is an answer. */
  | { readonly drop: 'before' }
  /** Passes the request on and breaks the connection instead of answering: the effect is there, and nobody knows. */
  | { readonly drop: 'answer' }
  /** Ends the answer at once, as if nothing had happened. */
  | { readonly close: 'empty' }
  /** Adds a line to a watch, and ends it. */
  | { readonly line: string }
  /** Passes on this many bytes and then breaks the connection, in the middle of a line most likely. */
  | { readonly cutAfter: number }
  /** Passes on nothing, and keeps the connection open. */
  | { readonly freeze: true };

export interface Rule {
  readonly method?: string;
  /** Part of the path with its query. */
  readonly path: RegExp;
  readonly fault: Fault;
  /** How often it applies; for ever when absent. */
  times?: number;
}

export interface FaultProxy {
  /** Kubeconfig that leads through the proxy, with the rights of the one it stands before. */
  readonly kubeconfig: string;
  /** Every request that came, `GET /path?query`. */
  readonly requests: string[];
  /** Applies from the next request on; the first rule that matches counts. */
  add(rule: Rule): void;
  /** Breaks all connections that are open now. */
  cutAll(): void;
  close(): Promise<void>;
}

/** Stands before the API server of a kubeconfig and misbehaves as told. */
export async function faultProxy(kubeconfig: string): Promise<FaultProxy> {
  const rules: Rule[] = [];
  const requests: string[] = [];
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const target = new URL(config.getCurrentCluster()?.server ?? '');
  const credentials: RequestOptions = {};
  await config.applyToHTTPSOptions(credentials);

  const server = createServer((incoming, outgoing) => {
    requests.push(`${incoming.method} ${incoming.url}`);
    const rule = rules.find((each) => matches(each, incoming));
    if (rule?.times !== undefined) rule.times--;
    handle(rule?.fault, { incoming, outgoing, target, credentials });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const own = writeKubeconfig(`http://127.0.0.1:${port}`);
  return {
    kubeconfig: own,
    requests,
    add: (rule) => void rules.push(rule),
    cutAll: () => server.closeAllConnections(),
    close: () =>
      new Promise((resolve) => {
        rmSync(dirname(own), { recursive: true });
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const matches = ({ method, path, times }: Rule, { method: verb, url = '' }: IncomingMessage): boolean =>
  (method === undefined || method === verb) && path.test(url) && times !== 0;

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly target: URL;
  readonly credentials: RequestOptions;
}

function handle(fault: Fault | undefined, exchange: Exchange): void {
  const { incoming, outgoing } = exchange;
  if (fault === undefined) return pass(exchange, Infinity);
  if ('cutAfter' in fault) return pass(exchange, fault.cutAfter);
  if ('drop' in fault && fault.drop === 'answer') return pass(exchange, 0);
  incoming.resume();
  if ('drop' in fault) outgoing.destroy();
  else if ('answer' in fault) answer(outgoing, fault);
  else misbehave(outgoing, fault);
}

function misbehave(
  outgoing: ServerResponse,
  fault: Exclude<Fault, { answer: number } | { drop: string } | { cutAfter: number }>,
): void {
  outgoing.writeHead(200, { 'content-type': 'application/json' });
  outgoing.flushHeaders();
  if ('line' in fault) outgoing.end(`${fault.line}\n`);
  else if ('close' in fault) outgoing.end();
}

function answer(
  outgoing: ServerResponse,
  { answer: code, reason, retryAfter }: Extract<Fault, { answer: number }>,
): void {
  const headers = {
    'content-type': 'application/json',
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
  };
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'injected', reason, code };
  outgoing.writeHead(code, headers).end(JSON.stringify(body));
}

function pass({ incoming, outgoing, target, credentials }: Exchange, bytes: number): void {
  const { method = 'GET', url = '/' } = incoming;
  const { authorization: _, ...given } = incoming.headers;
  const headers = { ...given, ...(credentials.headers as Record<string, string>), host: target.host };
  const upstream = httpsRequest(new URL(url, target), { ...credentials, method, headers }, (response) => {
    let left = bytes;
    if (bytes > 0) outgoing.writeHead(response.statusCode ?? 502, response.headers);
    if (bytes > 0) outgoing.flushHeaders();
    response.on('data', (chunk: Buffer) => {
      outgoing.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) setImmediate(() => outgoing.destroy());
    });
    response.on('end', () => (left > 0 ? outgoing.end() : outgoing.destroy()));
  });
  upstream.on('error', () => outgoing.destroy());
  outgoing.on('close', () => upstream.destroy());
  incoming.pipe(upstream);
}

/** Plain http is for loopback, which is all that a test has. */
function writeKubeconfig(server: string): string {
  const name = 'proxy';
  const path = join(mkdtempSync(join(tmpdir(), 'fault-proxy-')), 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: { token: 'the-proxy-has-its-own' } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
