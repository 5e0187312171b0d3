import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../../functions/cluster/causes.ts';
import type { Troubles } from '../../../functions/cluster/troubles.ts';
import { statuszText } from '../../../functions/statusz.ts';
import type { Health } from './health.ts';
import type { Metrics } from './metrics.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

interface Sources {
  readonly health: Health;
  readonly metrics: Metrics;
  readonly troubles: Troubles;
  /** What the forwarder is limited to. */
  readonly namespaces: readonly string[] | undefined;
}

const NOT_FOUND: Answer = { status: 404, text: 'Not found. Available: /livez, /readyz, /statusz, /metrics\n' };

/** Serves /livez, /readyz, /statusz and /metrics. @throws Error if it cannot listen; the message says what to do. */
export async function serve(
  { health, metrics, troubles, namespaces }: Sources,
  host: string,
  port: number,
): Promise<{ server: Server; url: string }> {
  const startedAt = Date.now();
  const pages: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    '/livez': () => verdict(health.stuck(), 'ok'),
    // Troubles do not make the forwarder unready: while they last, it works with the previous credentials.
    '/readyz': () => verdict(health.problems(), [health.standby ?? 'ok', ...troubles.lines()].join('\n')),
    '/statusz': () => ({
      status: 200,
      text: statuszText(startedAt, { program: 'forwarder', namespaces }),
      type: 'application/json',
    }),
    '/metrics': async () => ({
      status: 200,
      text: await metrics.registry.metrics(),
      type: metrics.registry.contentType,
    }),
  };
  const answer = async (path: string): Promise<Answer> => {
    try {
      return await (pages[path] ?? (() => NOT_FOUND))();
    } catch (error) {
      // A failure to render a page must not end the process.
      return { status: 500, text: `${messageOf(error)}\n` };
    }
  };
  const server = createServer((request, response) => {
    answer(request.url ?? '')
      .then(({ status, text, type = 'text/plain' }) => response.writeHead(status, { 'content-type': type }).end(text))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'the port is in use. Pass another --port, or 0 for a free one' : error.message;
      reject(new Error(`Could not listen on ${host} port ${port}: ${why}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return { server, url: `http://${shown}:${(server.address() as AddressInfo).port}/` };
}

const verdict = (problems: readonly string[], otherwise: string): Answer =>
  problems.length === 0 ? { status: 200, text: `${otherwise}\n` } : { status: 503, text: `${problems.join('\n')}\n` };
