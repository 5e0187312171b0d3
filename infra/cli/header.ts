// The headers of requests to the functions: the credentials that they ask for.
import { fileText, LARGEST_CREDENTIALS } from '../../functions/cluster/credentials/file-text.ts';
import { unreadable } from '../../functions/cluster/without-secrets.ts';
import { UsageError } from '../usage.ts';

export interface HeaderFlags {
  readonly header?: string;
  readonly tokenFile?: string;
}

export const HEADER_OPTIONS = [
  ['--token-file <file>', 'a file with the bearer token for the functions; - for standard input'],
  ['--header <header>', 'another header, such as "x-functions-key: KEY"; @FILE reads it from a file'],
] as const;

/** What to use instead of credentials in the URL of the functions. */
export const HEADER_INSTEAD = 'give credentials with --token-file FILE, or --header @FILE';

/** @throws UsageError */
export function headersFrom({ header, tokenFile }: HeaderFlags): Readonly<Record<string, string>> {
  return {
    ...(tokenFile === undefined ? {} : { authorization: `Bearer ${tokenIn(tokenFile)}` }),
    ...(header === undefined ? {} : headerIn(header.startsWith('@') ? contentOf(header.slice(1)) : header)),
  };
}

function headerIn(line: string): Readonly<Record<string, string>> {
  const [, name, value = ''] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\x20-\x7e]*)$/.exec(line) ?? [];
  if (name === undefined)
    throw new UsageError('--header must have the form "NAME: VALUE", or be @FILE with such a line');
  return { [name]: value };
}

function tokenIn(file: string): string {
  const token = contentOf(file);
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new UsageError(`--token-file must be a file with one token, but ${file} has something else`);
}

function contentOf(file: string): string {
  try {
    return fileText(file === '-' ? '/dev/stdin' : file, LARGEST_CREDENTIALS).trim();
  } catch (error) {
    throw new UsageError(`Could not read ${unreadable(file, error)}`);
  }
}

/** What to do if the functions do not let this program in. Undefined for any other answer. */
export function remedyOfRefusal(status: number): string | undefined {
  if (status === 401)
    return 'the functions ask who you are. Give --token-file FILE with a token that they accept, or on Azure --header "x-functions-key: KEY" (docs/history.md says how to get a token)';
  if (status === 403) return 'the functions do not accept this caller: use a token of one of their CALLER_SUBJECTS';
  return undefined;
}
