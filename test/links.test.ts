// Links in the documentation lead to existing files and headings.
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const PAGES = globSync(['*.md', 'docs/**/*.md']);

const withoutCode = (markdown: string): string => markdown.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, 'x');

/** Links to files of this repository, and to headings of the same page. */
const linksIn = (markdown: string): string[] =>
  [...withoutCode(markdown).matchAll(/\]\((?![a-z]+:)([^)\s]+)\)/g)].map(([, link = '']) => link);

/** The anchors that GitHub gives to the headings of a page. */
const anchorsIn = (markdown: string): Set<string> =>
  new Set(
    [...markdown.replace(/^```.*?^```/gms, '').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

function leads(page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? page : join(dirname(page), file);
  if (!existsSync(path)) return false;
  return anchor === undefined || (statSync(path).isFile() && anchorsIn(readFileSync(path, 'utf8')).has(anchor));
}

it('The test finds the links of the documentation', () => {
  expect(PAGES.flatMap((page) => linksIn(readFileSync(page, 'utf8'))).length).toBeGreaterThan(100);
});

it.each(PAGES)('Every relative link of %s leads to an existing file and heading', (page) => {
  const links = linksIn(readFileSync(page, 'utf8'));
  expect(links.filter((link) => !leads(page, link))).toEqual([]);
});

it('A reader who starts at README.md finds every page', () => {
  const found = new Set(['README.md']);
  // The loop also visits the pages that it adds.
  for (const page of found) {
    const files = linksIn(readFileSync(page, 'utf8')).map((link) => join(dirname(page), link.split('#')[0] ?? ''));
    for (const file of files) if (PAGES.includes(file)) found.add(file);
  }
  expect(PAGES.filter((page) => !found.has(page))).toEqual([]);
});
