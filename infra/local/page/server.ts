import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { websiteKey, type WebsiteKey } from '../../../functions/website/resource.ts';
import { limitConnections } from './connections.ts';
import { contentSecurityPolicy, pageFiles } from './files.ts';
import { refusalOf } from './refusal.ts';
import type { Detail } from './shown.ts';
import type { Stream } from './stream.ts';

/** As in the usage of npm start. */
const DEFAULT_PORT = 8090;
const HOST = '127.0.0.1';
const MOST_CONNECTIONS = 128;
const REQUEST_MS = 10_000;
const LARGEST_HEADERS = 16 * 1024;

interface Parts {
  readonly stream: Stream;
  readonly detail: (key: WebsiteKey) => Promise<Detail>;
}

interface Limits {
  /** How long a client may take to send a request. */
  readonly requestMs?: number;
}

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body: string | Buffer;
}

/**
 * Serves the page on loopback. It only reads, and answers only pages of its own: with DNS rebinding, any web page could send requests
 * to this machine under its own host name.
 * @param port `default` is `DEFAULT_PORT`, or a free port if that is taken.
 * @throws Error if it cannot listen on the given port.
 */
export async function servePage(
  parts: Parts,
  port: number | 'default',
  { requestMs = REQUEST_MS }: Limits = {},
): Promise<{ server: Server; url: string }> {
  const files = pageFiles();
  const headers = {
    'cache-control': 'no-store',
    'content-security-policy': contentSecurityPolicy(files),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };

  async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<Answer | 'streaming'> {
    const refusal = refusalOf(request);
    if (refusal !== undefined) return text(refusal.status, refusal.why);
    const url = URL.parse(request.url ?? '/', 'http://page');
    if (url === null) return text(400, 'The path is malformed');
    const file = files.get(url.pathname);
    if (file !== undefined) return { status: 200, ...file };
    if (url.pathname === '/website') return aboutWebsite(url.searchParams);
    if (url.pathname !== '/events') return text(404, 'Not found');
    if (request.method === 'HEAD') return { status: 200, type: 'text/event-stream', body: '' };
    if (parts.stream.isFull) return text(503, 'Too many pages are open: close some');
    parts.stream.add(response, headers);
    return 'streaming';
  }

  async function aboutWebsite(query: URLSearchParams): Promise<Answer> {
    const key = websiteKey.safeParse(Object.fromEntries(query));
    if (!key.success) return text(400, 'The query must have the namespace and the name of a Website');
    return { status: 200, type: 'application/json', body: JSON.stringify(await parts.detail(key.data)) };
  }

  const server = createServer(
    {
      maxHeaderSize: LARGEST_HEADERS,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      // Otherwise Node checks these limits only every 30 s.
      connectionsCheckingInterval: requestMs / 10,
    },
    (request, response) => {
      const send = ({ status, type = 'text/plain; charset=utf-8', body }: Answer) => {
        const allow = status === 405 ? { allow: 'GET, HEAD' } : {};
        const close = hasBody(request) ? { connection: 'close' } : {};
        const length = { 'content-type': type, 'content-length': Buffer.byteLength(body) };
        response.writeHead(status, { ...headers, ...allow, ...close, ...length });
        response.end(request.method === 'HEAD' ? undefined : body);
      };
      const respond = async () => {
        const answer = await answerTo(request, response);
        if (answer !== 'streaming') send(answer);
      };
      // A failure in one answer must not affect the others.
      respond().catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else send(text(500, messageOf(error)));
      });
    },
  );
  limitConnections(server, MOST_CONNECTIONS);
  await listen(server, port);
  return { server, url: `http://${HOST}:${(server.address() as AddressInfo).port}/` };
}

const text = (status: number, message: string): Answer => ({ status, body: `${message}\n` });

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

async function listen(server: Server, port: number | 'default'): Promise<void> {
  const on = async (one: number) => {
    server.listen(one, HOST);
    await once(server, 'listening');
  };
  try {
    await on(port === 'default' ? DEFAULT_PORT : port);
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (port === 'default') return on(0);
    const why = isTaken ? 'the port is in use. Give another one, or 0 for a free port' : (error as Error).message;
    throw new Error(`--page ${port} cannot be used: ${why}`, { cause: error });
  }
}
