import { setTimeout as delay } from 'node:timers/promises';

export type Body = AsyncIterable<Buffer>;
/** How a fault changes the body of an answer. */
export type Change = (body: Body) => AsyncIterable<Buffer | string>;

const PIECE_BYTES = 64;

export const upTo = (bytes: number): Change =>
  async function* (body) {
    let left = bytes;
    for await (const chunk of body) {
      yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) return;
    }
  };

export const inPieces = (everyMs: number): Change =>
  async function* (body) {
    for await (const chunk of body) {
      for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
        await delay(everyMs);
        yield chunk.subarray(start, start + PIECE_BYTES);
      }
    }
  };

/** Lines, wherever the chunks are cut; a last line without an end is passed on as it is. */
export const throughLines = (each: (line: string) => readonly string[]): Change =>
  async function* (body) {
    const decoder = new TextDecoder();
    let open = '';
    for await (const chunk of body) {
      const lines = (open + decoder.decode(chunk, { stream: true })).split('\n');
      open = lines.pop() ?? '';
      for (const line of lines) for (const passed of each(line)) yield `${passed}\n`;
    }
    yield open;
  };

/** Passes all on, and tells what it was when it ends well. */
export const remembered = (keep: (body: Buffer) => void): Change =>
  async function* (body) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) {
      chunks.push(chunk);
      yield chunk;
    }
    keep(Buffer.concat(chunks));
  };
