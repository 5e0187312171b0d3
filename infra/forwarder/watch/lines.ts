/** No object of the API server comes to more, in characters: see `LARGEST_ANSWER` of the transport. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** A line that is not JSON, or too long to be one object: the stream cannot be trusted from here on. */
export class InvalidLineError extends Error {
  override readonly name = 'InvalidLineError';
}

/**
 * The JSON values of a newline-delimited stream, wherever its chunks are cut.
 * @throws InvalidLineError; a last line without an end is one that was cut off, and is left out.
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder();
  // Pieces of the line that is not whole yet: joined once, since a large object comes in many of them.
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const [first = '', ...rest] = decoder.decode(chunk, { stream: true }).split('\n');
    pieces.push(first);
    length += first.length;
    for (const next of rest) {
      yield* parsed(pieces.join(''));
      pieces = [next];
      length = next.length;
    }
    if (length > LONGEST_LINE) throw new InvalidLineError(`A line goes on after ${LONGEST_LINE} characters`);
  }
}

function* parsed(line: string): Generator {
  if (line.trim() === '') return;
  try {
    yield JSON.parse(line);
  } catch (error) {
    throw new InvalidLineError(`A line of ${line.length} characters is not JSON`, { cause: error });
  }
}
