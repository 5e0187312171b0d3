/** Maximum length of a line, in characters. No object is larger: see `LARGEST_ANSWER` of the transport. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** A line is not JSON, or is too long to be one object. The rest of the stream cannot be trusted either. */
export class InvalidLineError extends Error {
  override readonly name = 'InvalidLineError';
}

/**
 * Parses newline-delimited JSON from chunks of any size. It drops a last line without a newline, because that line was cut off.
 * @throws InvalidLineError
 */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator {
  const decoder = new TextDecoder();
  // Pieces of the incomplete line. They are joined once at its end, because a large object arrives in many pieces.
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
    if (length > LONGEST_LINE)
      throw new InvalidLineError(`The API server sent a line longer than ${LONGEST_LINE} characters`);
  }
}

function* parsed(line: string): Generator {
  if (line.trim() === '') return;
  try {
    yield JSON.parse(line);
  } catch (error) {
    throw new InvalidLineError(`The API server sent a line of ${line.length} characters that is not JSON`, {
      cause: error,
    });
  }
}
