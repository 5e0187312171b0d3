import type { Dispatcher } from 'undici';

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** When to give up. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the body; what is beyond them is not read, and the connection is lost. */
  readonly largest?: number;
}

/**
 * Sends one request and reads the answer: `undici.request` without the stream, the signal and the promises that it makes each
 * time, which cost as much as the rest (docs/adr/0009-where-the-time-goes.md).
 * @throws what undici throws, the signal's reason, or a `TimeoutError`.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { timeoutMs, signal, largest = Infinity }: Limits,
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
    const answered = () => {
      end();
      resolve({ status, headers, text: (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '' });
    };
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
      },
      onResponseData(_, chunk) {
        size += chunk.length;
        if (size <= largest) chunks.push(chunk);
        else {
          answered();
          started?.abort(new Error('The answer is too large'));
        }
      },
      onResponseEnd: answered,
      onResponseError: (_, error) => fail(error),
    });
  });
}
