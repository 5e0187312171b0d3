import type { Dispatcher } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty if the body is unwanted. */
  readonly text: string;
  /** The size of the body. */
  readonly bytes: number;
}

/** The body exceeds the limit. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';

  constructor(largest: number) {
    super(`The answer is larger than ${largest} bytes`);
  }
}

/** The text of a stream. @throws AnswerTooLargeError */
export async function textWithin(largest: number, chunks: AsyncIterable<Buffer>): Promise<string> {
  const kept: Buffer[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > largest) throw new AnswerTooLargeError(largest);
    kept.push(chunk);
  }
  return Buffer.concat(kept).toString();
}

/** When to give up. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The largest accepted body, in bytes. A larger one is an error. */
  readonly largest?: number;
  /** Resolves as soon as the headers arrive. The body is still read, so that the connection can be reused. */
  readonly isBodyUnwanted?: boolean;
}

/**
 * Sends one request and reads the answer. `undici.request` does the same, but the stream, signal and promises that it creates take
 * as much CPU time as the rest (docs/adr/0009-where-the-time-goes.md).
 * @throws undici's errors, the signal's reason, or a `TimeoutError`.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { timeoutMs, signal, largest = Infinity, isBodyUnwanted = false }: Limits,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let started: Dispatcher.DispatchController | undefined;
    let reason: Error | undefined;
    let status = 0;
    let headers: Answer['headers'] = {};
    const chunks: Buffer[] = [];
    let size = 0;

    const giveUp = (why: Error) => {
      reason = why;
      fail(why);
      started?.abort(why);
    };
    const timer = setTimeout(() => giveUp(new DOMException('No answer in time', 'TimeoutError')), timeoutMs).unref();
    const abort = () => giveUp(signal?.reason as Error);
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const textOf = () => (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '';
    const fail = (why: Error) => {
      end();
      reject(why);
    };
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();

    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        started = controller;
        // We gave up while the request waited for a connection.
        if (reason !== undefined) started.abort(reason);
      },
      onResponseStart(_, code, received) {
        [status, headers] = [code, received];
        // An informational response, such as 103, comes before the answer.
        if (isBodyUnwanted && code >= 200) resolve({ status, headers, text: '', bytes: 0 });
      },
      onResponseData(_, chunk) {
        size += chunk.length;
        if (size > largest) giveUp(new AnswerTooLargeError(largest));
        else if (!isBodyUnwanted) chunks.push(chunk);
      },
      onResponseEnd() {
        end();
        resolve({ status, headers, text: textOf(), bytes: size });
      },
      onResponseError: (_, error) => fail(error),
    });
  });
}
