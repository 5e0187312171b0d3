import * as z from 'zod';

// How settings are read, with messages that say what would do and never what was given.

/** A whole number of these bounds. */
export const wholeNumber = (least: number, most: number) =>
  numberThat(
    (value) => Number.isInteger(value) && isFrom(least, most)(value),
    `a whole number from ${least} to ${most}`,
  );

/** Any number of these bounds. */
export const numberFrom = (least: number, most: number) =>
  numberThat(isFrom(least, most), `a number from ${least} to ${most}`);

/** A number, as the words say that it must be. Text without a number in it is not 0. */
export const numberThat = (isRight: (value: number) => boolean, words: string) =>
  z
    .string()
    .refine((text) => text.trim() !== '' && isRight(Number(text)), `must be ${words}`)
    .transform(Number);

const isFrom =
  (least: number, most: number) =>
  (value: number): boolean =>
    value >= least && value <= most;

export const oneOf = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, `must be one of ${values.join(', ')}`);

export const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });

/** A name such as that of a namespace (RFC 1123 label). */
export const dnsLabel = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a DNS label');
