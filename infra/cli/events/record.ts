import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HTTP, type CloudEvent } from 'cloudevents';
import { bodyOf } from '../../../functions/events/body.ts';
import type { LocalCommand, Surroundings } from '../command.ts';
import { EventFile, lineOf } from '../../../functions/events/event-file.ts';
import { counted } from '../../text.ts';
import { portFrom, UsageError } from '../../usage.ts';

interface Flags {
  readonly port?: string;
}

export const recordCommand: LocalCommand<Flags> = {
  usage: 'events record <file>',
  about: 'Receive CloudEvents on this machine and append them to a file, one line of JSON each, until Ctrl-C',
  options: [['--port <number>', 'port to listen on, on 127.0.0.1; default: a free one']],
  examples: ['events record morning.jsonl --port 8099', 'events replay morning.jsonl --to http://localhost:8080/'],
  async run({ note, interrupted, now }, { port }, [file = '']) {
    const recorder = await recording(file, portFrom(port), { note, now });
    const signal = interrupted();
    note(`Recording to ${file}. Send events to ${recorder.url} (the forwarder: --sink ${recorder.url}). Ctrl-C ends.`);
    if (!signal.aborted) await once(signal, 'abort');
    const events = await recorder.stop();
    return { text: `Recorded ${counted(events, 'event')} in ${file}`, data: { file, events } };
  },
};

interface Recorder {
  readonly url: string;
  /** @returns how many events are in the file. */
  stop(): Promise<number>;
}

/** Receives events until it is stopped. An event is in the file before its sender gets the answer. */
async function recording(
  path: string,
  port: number,
  { note, now }: Pick<Surroundings, 'note' | 'now'>,
): Promise<Recorder> {
  const file = await opened(path);
  let events = 0;
  const statusFor = async (request: IncomingMessage): Promise<number> => {
    const lines = await linesOf(request, now);
    if (lines === undefined) return 400;
    try {
      await file.append(lines);
      events += lines.length;
      return 204;
    } catch (error) {
      // For example, the disk is full. The sender keeps its events.
      note((error as Error).message);
      return 503;
    }
  };
  const server = createServer((request, response) => {
    statusFor(request)
      .then((status) => response.writeHead(status).end())
      // The sender has closed the connection.
      .catch(() => response.destroy());
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

async function opened(path: string): Promise<EventFile> {
  const file = new EventFile(path);
  try {
    await file.open();
    return file;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The events of a request, each as a line. Undefined if the request contains no event, or is too large. */
async function linesOf(request: IncomingMessage, now: () => Date): Promise<string[] | undefined> {
  const body = await bodyOf(request);
  if (body === undefined) return undefined;
  try {
    const received = [HTTP.toEvent<unknown>({ headers: request.headers, body })].flat() as CloudEvent<unknown>[];
    // Replay needs a time to keep the gaps between events.
    return received.map((event) => lineOf(event.cloneWith({ time: event.time ?? now().toISOString() })));
  } catch {
    return undefined;
  }
}
