import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface File {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const BROWSER = new URL('browser/', import.meta.url);
/** Its build for browsers. `import.meta.resolve` would find the one for Node. */
const LIT_HTML = new URL('../../../node_modules/lit-html/', import.meta.url);
/** The part of it that the page imports. */
const LIBRARY = ['lit-html.js', 'directive.js', 'directive-helpers.js', 'directives/repeat.js'];
const INDEX = 'index.html';

/** All files of the page, by path. They are read once, so no path that a browser sends reaches the file system. */
export function pageFiles(): ReadonlyMap<string, File> {
  const own = readdirSync(BROWSER)
    .filter((name) => TYPES[extname(name)] !== undefined)
    .map((name) => [name === INDEX ? '/' : `/${name}`, fileAt(new URL(name, BROWSER))] as const);
  const foreign = LIBRARY.map((name) => [`/lit-html/${name}`, fileAt(new URL(name, LIT_HTML))] as const);
  return new Map([...own, ...foreign]);
}

function fileAt(url: URL): File {
  const path = fileURLToPath(url);
  return { type: TYPES[extname(path)] ?? 'application/octet-stream', body: readFileSync(path) };
}

/** What the browser may load: our own files, and the one import map that the page contains. */
export function contentSecurityPolicy(files: ReadonlyMap<string, File>): string {
  const [, importMap = ''] = /<script type="importmap">(.*?)<\/script>/s.exec(String(files.get('/')?.body)) ?? [];
  const hash = createHash('sha256').update(importMap).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // Markup comes from the templates of lit-html only, and they have no data in them.
    "require-trusted-types-for 'script'",
    'trusted-types lit-html',
  ].join('; ');
}
