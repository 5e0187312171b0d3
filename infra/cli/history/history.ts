import type { Website } from '../../../functions/website/resource.ts';
import { keyFrom, websiteNamed, type ClusterCommand } from '../command.ts';
import { HEADER_OPTIONS, headersFrom, type HeaderFlags } from '../header.ts';
import type { Answer } from '../output.ts';
import { storedHistory } from './stored-history.ts';
import { table } from '../../table.ts';
import { UsageError } from '../../usage.ts';
import { printable, styled } from '../../text.ts';

const HEADER = ['GENERATION', 'IMAGE', 'STARTED', 'READY AFTER', 'WHY NOT'];

/** The last generations of the Website, newest first. */
export function history({ metadata, status }: Website): Answer {
  const entries = status?.history ?? [];
  const rows = entries.map(({ generation, image, startedAt, readyAt, reason, message }, index) => [
    String(generation),
    printable(image),
    startedAt,
    readyAt === undefined ? styled('red', index === 0 ? 'not yet' : judgedText(reason)) : span(startedAt, readyAt),
    readyAt === undefined ? printable([reason, message].filter(Boolean).join(': ')) : '',
  ]);
  const none = `Website ${metadata.namespace}/${metadata.name} has no history yet: it starts with the next change of its spec.`;
  return { text: rows.length === 0 ? none : table([HEADER, ...rows]), data: entries };
}

/** Without a reason, the functions did not judge whether the site was ready with a generation that was replaced. */
const judgedText = (reason: string | undefined): string => (reason === undefined ? 'unknown' : 'never');

const span = (from: string, to: string): string => `${Math.round((Date.parse(to) - Date.parse(from)) / 1000)}s`;

interface Flags extends HeaderFlags {
  readonly from?: string;
}

export const historyCommand: ClusterCommand<Flags> = {
  usage: 'history <name>',
  about: 'Show the last generations of a Website: which image ran when, and why a change never became ready',
  options: [
    [
      '--from <url>',
      'show what the functions did, by the history that they keep, such as http://localhost:8080/history',
    ],
    ...HEADER_OPTIONS,
  ],
  examples: [
    'history shop',
    'history shop -o yaml',
    'history shop --from http://localhost:8080/history --token-file token',
  ],
  async ask(surroundings, { from, ...flags }, [name = '']) {
    const headers = headersFrom(flags);
    if (from !== undefined) return storedHistory(from, keyFrom(name, surroundings), headers);
    if (Object.keys(headers).length > 0) throw new UsageError('--token-file and --header need --from');
    return history(await websiteNamed(name, surroundings));
  },
};
