import * as z from 'zod';

/** Splits a list of Standard Webhooks secrets at white space. */
export const secretsIn = (text: string): string[] => text.split(/\s+/).filter((each) => each !== '');

/** The size of a secret in bytes; `undefined` if it is not strict base64, which the signature library refuses. */
export function secretBytes(secret: string): number | undefined {
  const { data } = z.base64().safeParse(secret.replace(/^whsec_/, ''));
  return data === undefined || data === '' ? undefined : Buffer.from(data, 'base64').length;
}
