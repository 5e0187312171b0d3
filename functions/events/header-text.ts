/**
 * An attribute of a CloudEvent as the value of an HTTP header: anything but printable ASCII is percent-encoded, and so are space,
 * quote and percent. Source: CloudEvents HTTP protocol binding 1.0.2, 3.1.3.2.
 */
export const headerText = (value: string): string => value.toWellFormed().replace(/[^!#$&-~]+/g, percentEncoded);

const percentEncoded = (text: string): string =>
  Buffer.from(text).reduce((encoded, byte) => `${encoded}%${byte.toString(16).toUpperCase().padStart(2, '0')}`, '');

/** The headers of an event in binary mode, as an SDK that encodes nothing makes them. */
export const encodedAttributes = (headers: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      name.startsWith('ce-') ? headerText(String(value)) : String(value),
    ]),
  );
