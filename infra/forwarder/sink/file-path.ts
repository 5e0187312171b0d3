import { fileURLToPath } from 'node:url';

const LIKE = 'such as file:///var/lib/website/events.jsonl';

/** The path that a file URL names, or what is wrong with the URL. Takes the text, because parsing drops the host of some URLs. */
export function filePathIn(text: string): { readonly path: string } | { readonly problem: string } {
  const url = URL.parse(text);
  if (url?.protocol !== 'file:') return { problem: `must be a file URL, ${LIKE}` };
  // `file:events.jsonl` would be in the root folder, and `file://events.jsonl` a host.
  if (!/^file:\/\/\/[^/]/i.test(text)) return { problem: `must have the whole path of a file and no host, ${LIKE}` };
  if (url.pathname.endsWith('/')) return { problem: `must end in the name of a file, ${LIKE}` };
  if (url.search !== '' || url.hash !== '') return { problem: 'must write ? as %3F and # as %23 in a path' };
  try {
    const path = fileURLToPath(url);
    return path.includes('\0') ? { problem: 'must not have %00 in a path' } : { path };
  } catch {
    return { problem: 'must write % as %25 in a path, and have no %2F' };
  }
}
