import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP, type CloudEvent } from 'cloudevents';
import type { LocalCommand } from './command.ts';
import { UsageError } from './errors.ts';

interface Flags {
  readonly port?: string;
}

/** As large as the events that the functions accept. */
const LARGEST_BODY = 1024 * 1024;

export const recordCommand: LocalCommand<Flags> = {
  usage: 'events record <file>',
  about: 'Receive CloudEvents on this machine and append them to a file, one line of JSON each, until Ctrl-C',
  options: [['--port <number>', 'port to listen on, on 127.0.0.1; default: a free one']],
  examples: ['events record morning.jsonl --port 8099', 'events replay morning.jsonl --to http://localhost:8080/'],
  async run({ note, signal, now }, { port }, [file = '']) {
    const recorder = await recording(file, portFrom(port), now);
    note(`Recording to ${file}. Send events to ${recorder.url} (the forwarder: --sink ${recorder.url}). Ctrl-C ends.`);
    if (!signal.aborted) await once(signal, 'abort');
    const events = await recorder.stop();
    return { text: `Recorded ${events} events in ${file}`, data: { file, events } };
  },
};

function portFrom(text = '0'): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`--port must be a whole number from 0 to 65535, but is ${text}`);
}

interface Recorder {
  readonly url: string;
  /** @returns how many events are in the file. */
  stop(): Promise<number>;
}

/** Receives events until it is stopped. An event is in the file before its sender gets the answer. */
async function recording(path: string, port: number, now: () => Date): Promise<Recorder> {
  const file = await opened(path);
  let events = 0;
  const server = createServer((request, response) => {
    const respond = async () => {
      const lines = await linesOf(request, now);
      if (lines !== undefined) await file.appendFile(lines.map((line) => `${line}\n`).join(''));
      events += lines?.length ?? 0;
      response.writeHead(lines === undefined ? 400 : 204).end();
    };
    respond().catch(() => response.destroy());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await file.close();
      return events;
    },
  };
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a');
  } catch (error) {
    throw new UsageError(`Could not write ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The events of a request, each in structured form. Undefined if the request contains no event. */
async function linesOf(request: IncomingMessage, now: () => Date): Promise<string[] | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  try {
    const message = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
    const received = [HTTP.toEvent<unknown>(message)].flat() as CloudEvent<unknown>[];
    // Replay needs a time to keep the gaps between events.
    return received.map((event) => JSON.stringify(event.cloneWith({ time: event.time ?? now().toISOString() })));
  } catch {
    return undefined;
  }
}
