// A sink that makes nothing of events, in a process of its own: what is measured is the sender. It holds its answers back
// while it is told to, so that a measurement can begin with every event ready to be sent.
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

let held: ServerResponse[] | undefined;
let accepted = 0;
let releasedAt = 0;
/** From the release to the last event. */
let ms = 0;

function accept(response: ServerResponse): void {
  accepted++;
  ms = performance.now() - releasedAt;
  response.writeHead(204).end();
}

function release(): void {
  const waiting = held ?? [];
  [held, accepted, releasedAt] = [undefined, 0, performance.now()];
  waiting.forEach(accept);
}

const PAGES: Readonly<Record<string, (response: ServerResponse) => void>> = {
  'POST /': (response) => void (held === undefined ? accept(response) : held.push(response)),
  'PUT /hold': (response) => {
    held = [];
    response.end();
  },
  'PUT /release': (response) => {
    release();
    response.end();
  },
  'GET /seen': (response) => void response.end(JSON.stringify({ accepted, ms, held: held?.length ?? 0 })),
};

const server = createServer((request, response) => {
  request.resume();
  const page = PAGES[`${request.method} ${request.url}`];
  if (page === undefined) response.writeHead(404).end();
  else page(response);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: 'Listening', url: `http://127.0.0.1:${port}/` })}\n`);
});
