import type { Dispatcher } from 'undici';

/** An answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty where nobody wants it. */
  readonly text: string;
}

/** When to give up. */
export interface Limits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /**
   * Says that nobody wants the body: the answer is there with its headers. Only for the connection's sake are these bytes of it
   * read, in the same time; where it is longer, the connection is lost.
   */
  readonly unwanted?: number;
}

/**
 * Sends one request and reads the answer: `undici.request` without the stream, the signal and the promises that it makes each
 * time, which cost as much as the rest (docs/adr/0009-where-the-time-goes.md).
 * @throws what undici throws, the signal's reason, or a `TimeoutError`.
 */
export function exchange(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  { timeoutMs, signal, unwanted }: Limits,
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
        if (unwanted !== undefined && code >= 200) resolve({ status, headers, text: '' });
      },
      onResponseData(_, chunk) {
        size += chunk.length;
        if (unwanted === undefined) chunks.push(chunk);
        else if (size > unwanted) giveUp(new Error('The answer is too large'));
      },
      onResponseEnd() {
        end();
        resolve({ status, headers, text: textOf() });
      },
      onResponseError: (_, error) => fail(error),
    });
  });
}
