import { messageOf } from '../cluster/causes.ts';
import { AnswerTooLargeError } from '../cluster/exchange.ts';
import { get } from '../cluster/get.ts';
import type { KeySource } from './keys.ts';

/** An issuer has a few keys of some 2 kB. */
const LARGEST_ANSWER = 1024 * 1024;
const READ_MS = 5_000;

/** The keys at a URL. */
export const keysAt = (url: URL): KeySource => ({
  origin: url.origin,
  async read(signal) {
    const headers = { accept: 'application/json, application/jwk-set+json', 'user-agent': 'website-reconciler' };
    const limits = { timeoutMs: READ_MS, largest: LARGEST_ANSWER, signal };
    const { status, text } = await get(url, headers, limits).catch((cause: unknown) => {
      const toDo = cause instanceof AnswerTooLargeError ? ': check CALLER_JWKS_URL' : '';
      throw new Error(`${messageOf(cause)}${toDo}`, { cause });
    });
    if (status !== 200) throw new Error('Expected 200 OK from the JSON Web Key Set HTTP response');
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  },
});
