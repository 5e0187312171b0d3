// What an HTTP answer is, whichever host gives it.

/** An HTTP answer, as every host can give it. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Largest body that is read, in bytes. Events hold references only and stay far below. */
export const LARGEST_BODY = 256 * 1024;

/** What the senders wait when the API server named no time. */
const RETRY_AFTER_SECONDS = 1;

/** 204: nobody should retry. */
export const done = (outcome: string, headers: Record<string, string> = {}): Reply => ({
  status: 204,
  headers: { 'website-outcome': outcome, ...headers },
});

/** 503: the sender shall try again. */
export function again(detail: string, seconds = RETRY_AFTER_SECONDS): Reply {
  const reply = problem(503, detail);
  return { ...reply, headers: { ...reply.headers, 'retry-after': String(Math.ceil(seconds)) } };
}

/** RFC 9457. It says what was wrong with the request, and nothing of what the request held. */
export function problem(status: number, detail: string): Reply {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', status, detail }),
  };
}

export const isTooLarge = (body: string): boolean => Buffer.byteLength(body) > LARGEST_BODY;

/** The answer to a body of more than `LARGEST_BODY`. */
export const tooLarge = (): Reply => problem(413, `The body is larger than ${LARGEST_BODY} bytes`);

/** A sender that reads nothing but the status sends all of it again where one event has to be. */
export function batchReply(replies: readonly Reply[]): Reply {
  const [worst] = replies.filter(({ status }) => status >= 400).toSorted((one, other) => other.status - one.status);
  const retryAfter = worst?.headers['retry-after'];
  return {
    status: worst?.status ?? 200,
    headers: { 'content-type': 'application/json', ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) },
    body: JSON.stringify(replies),
  };
}
