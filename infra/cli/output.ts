import { stringify } from 'yaml';

export const FORMATS = ['table', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** What a command prints: text for people, or the same answer as data for programs. */
export interface Answer {
  readonly text: string;
  readonly data: unknown;
}

export function printed({ text, data }: Answer, format: Format): string {
  if (format === 'json') return JSON.stringify(data, undefined, 2);
  return format === 'yaml' ? stringify(data).trimEnd() : text;
}
