import { stringify } from 'yaml';
import { UsageError } from './errors.ts';

export const FORMATS = ['table', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** What a command prints: text for people, or the same answer as data for programs. */
export interface Answer {
  readonly text: string;
  readonly data: unknown;
}

/** @throws UsageError for a format that does not exist. */
export function formatFrom(name: string): Format {
  const format = FORMATS.find((each) => each === name);
  if (format === undefined) throw new UsageError(`--output must be one of ${FORMATS.join(', ')}, but is ${name}`);
  return format;
}

export function printed({ text, data }: Answer, format: Format): string {
  if (format === 'json') return JSON.stringify(data, undefined, 2);
  return format === 'yaml' ? stringify(data).trimEnd() : text;
}
