/**
 * Encodes a CloudEvents attribute for an HTTP header: percent-encodes space, quote, percent and everything outside printable ASCII.
 * Source: CloudEvents HTTP protocol binding 1.0.2, 3.1.3.2.
 */
export const headerText = (value: string): string => value.toWellFormed().replace(/[^!#$&-~]+/g, percentEncoded);

const percentEncoded = (text: string): string =>
  Buffer.from(text).reduce((encoded, byte) => `${encoded}%${byte.toString(16).toUpperCase().padStart(2, '0')}`, '');

/** Encodes the headers of an event in binary mode, which the SDK leaves unencoded. */
export const encodedAttributes = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.startsWith('ce-') ? headerText(String(value)) : String(value),
    ]),
  );
