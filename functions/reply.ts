import { LARGEST_BODY } from './events/body.ts';

/** An HTTP answer, independent of the host that sends it. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `Retry-After` if the API server named no time. */
const RETRY_AFTER_SECONDS = 1;

/** 204: the sender must not retry. */
export const done = (outcome: string, headers: Record<string, string> = {}): Reply => ({
  status: 204,
  headers: { 'website-outcome': outcome, ...headers },
});

/** 503: the sender must retry. */
export function again(detail: string, seconds = RETRY_AFTER_SECONDS): Reply {
  const reply = problem(503, detail);
  return { ...reply, headers: { ...reply.headers, 'retry-after': String(Math.ceil(seconds)) } };
}

/** A problem in the format of RFC 9457. `detail` explains the problem and never quotes the request. */
export function problem(status: number, detail: string): Reply {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', status, detail }),
  };
}

/** 405. @param allow the methods that the path takes. */
export function wrongMethod(detail: string, allow: string): Reply {
  const reply = problem(405, detail);
  return { ...reply, headers: { ...reply.headers, allow } };
}

export const isTooLarge = (body: string): boolean => Buffer.byteLength(body) > LARGEST_BODY;

/** The answer to a body of more than `LARGEST_BODY`. */
export const tooLarge = (): Reply => problem(413, `The body is larger than ${LARGEST_BODY} bytes`);

/** The status is the worst one of the batch. So a sender that reads only the status resends the batch if one event needs it. */
export function batchReply(replies: readonly Reply[]): Reply {
  const [worst] = replies.filter(({ status }) => status >= 400).toSorted((one, other) => other.status - one.status);
  const retryAfter = worst?.headers['retry-after'];
  return {
    status: worst?.status ?? 200,
    headers: { 'content-type': 'application/json', ...(retryAfter === undefined ? {} : { 'retry-after': retryAfter }) },
    body: JSON.stringify(replies),
  };
}
