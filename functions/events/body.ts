import type { IncomingMessage } from 'node:http';

/** The largest body that is read, in bytes. Events are far smaller, since they hold only references. */
export const LARGEST_BODY = 256 * 1024;

/** The whole body, or `undefined` as soon as its length or its content exceeds `LARGEST_BODY`. The rest is then not read. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > LARGEST_BODY) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LARGEST_BODY) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
