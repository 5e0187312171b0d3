import { isAbsolute } from 'node:path';
import * as z from 'zod';

/** Where the history is. */
export type HistoryAddress =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** Parses `sqlite:/PATH` or `postgres://...`. The message never quotes the URL, which may have a password in it. */
export const historyUrl = z.string().transform((text, issues): HistoryAddress => {
  const address = addressIn(text);
  if (typeof address === 'object') return address;
  issues.addIssue(`must be ${address}`);
  return z.NEVER;
});

function addressIn(text: string): HistoryAddress | string {
  if (text.startsWith('sqlite:')) {
    const path = text.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
    // A path that ends in a slash is a folder.
    return isAbsolute(path) && !path.endsWith('/')
      ? { kind: 'sqlite', path }
      : 'sqlite: and the absolute path of a file, such as sqlite:/var/lib/website/history.db';
  }
  if (!/^postgres(ql)?:\/\//.test(text)) return 'sqlite:/PATH/FILE.db or postgres://USER:PASSWORD@HOST/DATABASE';
  const url = URL.parse(text);
  // With an @ in its path, the URL has a slash in its password.
  return url !== null && url.hostname !== '' && url.pathname.length > 1 && !url.pathname.includes('@')
    ? { kind: 'postgres', url: text }
    : 'postgres://USER:PASSWORD@HOST/DATABASE. Write special characters of the password as %XX';
}
