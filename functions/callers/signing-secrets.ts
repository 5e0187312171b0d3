import * as z from 'zod';

/** Secrets as Standard Webhooks writes them, with spaces between. */
export const secretsIn = (text: string): string[] => text.split(/\s+/).filter((each) => each !== '');

/** How many bytes a secret has; nothing where its base64 is not strict, which the library for signatures refuses. */
export function secretBytes(secret: string): number | undefined {
  const { data } = z.base64().safeParse(secret.replace(/^whsec_/, ''));
  return data === undefined || data === '' ? undefined : Buffer.from(data, 'base64').length;
}
