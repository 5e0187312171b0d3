// Requests to the programs themselves, at the URLs that the user gives.
import { AnswerTooLargeError, type Answer } from '../../functions/cluster/exchange.ts';
import { get } from '../../functions/cluster/get.ts';
import { shownUrl } from '../../functions/cluster/shown-url.ts';
import { whyOf } from './errors.ts';

/** The programs answer with less, also to a request for a long history. */
const LARGEST_ANSWER = 16 * 1024 * 1024;

interface Asking {
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @throws Error that names the URL, if there is no answer or a larger one. */
export async function answerAt(url: URL, { timeoutMs, headers = {} }: Asking): Promise<Answer> {
  try {
    return await get(url, headers, { timeoutMs, largest: LARGEST_ANSWER });
  } catch (error) {
    const why =
      error instanceof AnswerTooLargeError
        ? `answers with more than ${LARGEST_ANSWER} bytes: check the address`
        : `does not answer: ${whyOf(error)}`;
    throw new Error(`${shownUrl(url)} ${why}`, { cause: error });
  }
}

export const isGood = ({ status }: Pick<Answer, 'status'>): boolean => status >= 200 && status < 300;

/** Undefined if the answer is not JSON. */
export function jsonOf({ text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
