import type { Dispatcher } from 'undici';

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty where nobody wants it. */
  readonly text: string;
  /** Of the body, as it was read. */
  readonly bytes: number;
}

/** The answer went on after as much as is read of one. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError';

  constructor(largest: number) {
    super(`The answer is larger than ${largest} bytes`);
  }
}

/** When to give up. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The most that is read of a body, in bytes: a longer one is no answer. */
  readonly largest?: number;
  /** Says that nobody wants the body: the answer is there with its headers, and the rest is read for the connection's sake alone. */
  readonly isBodyUnwanted?: boolean;
}

/**
 * Sends one request and reads the answer: `undici.request` without the stream, the signal and the promises that it makes each
 * time, which cost as much as the rest (docs/adr/0009-where-the-time-goes.md).
 * @throws what undici throws, the signal's reason, or a `TimeoutError`.
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
        // It waited for a connection, and nobody waits for it any more.
        if (reason !== undefined) started.abort(reason);
      },
      onResponseStart(_, code, received) {
        [status, headers] = [code, received];
        // What comes before it, such as 103, is no answer.
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
