import { Document, visit } from 'yaml';
import { printable } from '../text.ts';

export const FORMATS = ['table', 'json', 'yaml'] as const;
export type Format = (typeof FORMATS)[number];

/** What a command prints: text for people, or the same answer as data for programs. */
export interface Answer {
  readonly text: string;
  readonly data: unknown;
}

export function printed({ text, data }: Answer, format: Format): string {
  if (format === 'json') return JSON.stringify(data, undefined, 2);
  return format === 'yaml' ? yamlOf(data) : text;
}

/** Repeats an object that is in the data twice: not every reader follows aliases. */
function yamlOf(data: unknown): string {
  const document = new Document(data, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, node) {
      // The program escapes control characters in what it prints, and YAML reads escapes between quotes only.
      if (typeof node.value === 'string' && printable(node.value) !== node.value.replaceAll('\n', '\\n'))
        node.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString().trimEnd();
}
