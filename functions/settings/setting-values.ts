import * as z from 'zod';
import { looksSecret } from '../cluster/without-secrets.ts';

// Schemas for settings. Their messages name the allowed values and never quote the given one, which may be a secret.

export const wholeNumber = (least: number, most: number) =>
  numberThat(
    (value) => Number.isInteger(value) && isFrom(least, most)(value),
    `a whole number from ${least} to ${most}`,
  );

export const numberFrom = (least: number, most: number) =>
  numberThat(isFrom(least, most), `a number from ${least} to ${most}`);

/**
 * A number that passes `isAllowed`. Blank text is refused, although `Number` would read it as 0.
 * @param range the allowed numbers in words, for the message.
 */
export const numberThat = (isAllowed: (value: number) => boolean, range: string) =>
  z
    .string()
    .refine((text) => text.trim() !== '' && isAllowed(Number(text)), `must be ${range}`)
    .transform(Number);

const isFrom =
  (least: number, most: number) =>
  (value: number): boolean =>
    value >= least && value <= most;

export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

export const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** A path. The content of the file, set by mistake, would appear in the error about a missing file. */
export const filePath = z
  .string()
  .min(1, 'must be the path of a file')
  .refine((text) => !/^\s*\{|\n/.test(text) && !looksSecret(text), 'must be the path of a file, and not its content');

/** A name such as that of a namespace (RFC 1123 label). */
export const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label');

/** The items of `a, b`, each once. */
export const itemsIn = (text: string): string[] => [...new Set(text.split(',').map((each) => each.trim()))];

/** A list of items. An empty item is refused, because `NAMESPACES=,` would otherwise mean all namespaces. */
export const listOf = (isItem: (text: string) => boolean, message: string) =>
  z
    .string()
    .transform(itemsIn)
    .refine((items) => items.every(isItem), message);

export const namespaceNames = listOf(
  (name) => dnsLabel.safeParse(name).success,
  'must be namespace names, such as team-a,team-b',
);
