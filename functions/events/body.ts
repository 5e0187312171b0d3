import type { IncomingMessage } from 'node:http';

/** The largest body that is read, in bytes. Events are far smaller, since they hold only references. */
export const LARGEST_BODY = 256 * 1024;

/** The whole body, or `undefined` as soon as its length or its content exceeds `LARGEST_BODY`. The rest is then not read. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  // Without the option, the rest could not be discarded.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** How much of a refused body is discarded, in bytes, and for how long. */
const MOST_DISCARDED = 16 * 1024 * 1024;
const DISCARD_MS = 5_000;

/**
 * Reads what is left of a refused body, up to a limit, for senders that read no answer before they have written all. If the connection
 * closed before, they would get an error in place of the answer.
 */
export async function discardRest(request: IncomingMessage): Promise<void> {
  const isHopeless = Number(request.headers['content-length'] ?? 0) > MOST_DISCARDED;
  if (request.complete || isHopeless) return;
  const { promise: isOver, resolve } = Promise.withResolvers<void>();
  let size = 0;
  request.on('data', ({ length }: Buffer) => {
    size += length;
    if (size > MOST_DISCARDED) resolve();
  });
  for (const event of ['end', 'error', 'close']) request.once(event, () => resolve());
  const timer = setTimeout(resolve, DISCARD_MS);
  request.resume();
  await isOver;
  clearTimeout(timer);
}
