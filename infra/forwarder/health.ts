import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { State } from './watch.ts';

/** What each watch is doing, by resource, and whether it was ever in step. */
export class Health {
  readonly #states = new Map<string, State>();
  readonly #synced = new Set<string>();

  constructor(resources: readonly string[]) {
    for (const name of resources) this.#states.set(name, { name: 'listing' });
  }

  entered(resource: string, state: State): void {
    this.#states.set(resource, state);
    if (state.name === 'watching') this.#synced.add(resource);
  }

  /** Why it is not ready, a line each; nothing when every resource was listed and none is in trouble. */
  problems(): string[] {
    return [...this.#states].flatMap(([name, state]) => {
      if (state.name === 'waiting') return [`${name}: ${state.why}`];
      return this.#synced.has(name) ? [] : [`${name}: not listed yet`];
    });
  }
}

/** Serves /livez and /readyz. @throws Error that says what to do when it cannot listen. */
export async function serveHealth(
  health: Health,
  host: string,
  port: number,
): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string) =>
      response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
    const problems = health.problems();
    if (request.url === '/livez') answer(200, 'ok\n');
    else if (request.url !== '/readyz') answer(404, 'There are /livez and /readyz\n');
    else if (problems.length === 0) answer(200, 'ok\n');
    else answer(503, `${problems.join('\n')}\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use: give another --port, or 0 for a free one' : error.message;
      reject(new Error(`Could not listen on ${host} port ${port}: ${why}`, { cause: error }));
    });
    server.listen(port, host, resolve);
  });
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return { server, url: `http://${shown}:${(server.address() as AddressInfo).port}/` };
}
