import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InvalidLineError, jsonLines } from '../../../infra/forwarder/watch/lines.ts';

async function* chunked(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size: number): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of jsonLines(chunked(text, size))) values.push(value);
  return values;
}

it('The reader returns the same lines wherever the stream is cut, even inside a character', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }) })),
      fc.integer({ min: 1, max: 40 }),
      async (values, size) => {
        const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
        expect(await read(text, size)).toEqual(values);
      },
    ),
  );
});

it('The reader accepts an object of 2 MiB', async () => {
  const large = { data: 'x'.repeat(2 * 1024 * 1024) };
  expect(await read(`${JSON.stringify(large)}\n`, 65_536)).toEqual([large]);
});

it('The reader leaves out a last line that was cut off', async () => {
  expect(await read('{"a":1}\n{"b":', 3)).toEqual([{ a: 1 }]);
});

it('The reader stops with an error at a line that is not JSON', async () => {
  await expect(read('{"a":1}\nnonsense\n{"b":2}\n', 8)).rejects.toThrow(InvalidLineError);
});

it('The reader stops with an error at an overlong line, and reads no more of it', async () => {
  let chunks = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      chunks++;
      yield Buffer.alloc(1024 * 1024, 'x');
    }
  }
  await expect(jsonLines(endless()).next()).rejects.toThrow(
    'The API server sent a line longer than 16777216 characters',
  );
  expect(chunks).toBe(17);
});
