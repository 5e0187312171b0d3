// ARCHITECTURE.md tells people where things are, so it may name only what exists.
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const PAGE = readFileSync('ARCHITECTURE.md', 'utf8');

const FOLDERS = ['crds', 'docs', 'functions', 'infra', 'test'];
const IN_FOLDER = new RegExp(`(?<![\\w./-])(?:${FOLDERS.join('|')})/[\\w.*{},/-]*[\\w}/]`, 'g');
const FILE = /^[\w.*{},/-]+\.(?:ts|json|ya?ml|md)$/;

/** Paths in backticks, in the picture and in links. A file needs no folder to count as a path. */
function pathsIn(markdown: string): string[] {
  const blocks = markdown.match(/^```.*?^```/gms) ?? [];
  const prose = blocks.reduce((text, block) => text.replace(block, ''), markdown);
  const quoted = [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
  const links = [...prose.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link);
  const paths = [...blocks, ...quoted].flatMap((code) => code.match(IN_FOLDER) ?? []);
  return [...new Set([...paths, ...links, ...quoted.filter((code) => FILE.test(code) || FOLDERS.includes(code))])];
}

/** `a.{x,y}.ts` stands for two paths, and both have to exist. */
function expanded(path: string): string[] {
  const [whole, before = '', choices, after = ''] = /^(.*?)\{(.*?)\}(.*)$/.exec(path) ?? [];
  return whole === undefined
    ? [path]
    : (choices ?? '').split(',').flatMap((choice) => expanded(before + choice + after));
}

const foldersIn = (parent: string): string[] =>
  readdirSync(parent, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${parent}/${name}`);

it('Every path in ARCHITECTURE.md exists', () => {
  const paths = pathsIn(PAGE).flatMap(expanded);
  expect(paths.length).toBeGreaterThan(100);
  expect(paths.filter((path) => globSync(path).length === 0)).toEqual([]);
});

it('ARCHITECTURE.md describes every folder of the sources', () => {
  const folders = ['functions', 'functions/website', 'functions/website/children', 'infra', 'infra/forwarder'];
  const described = new Set([...PAGE.matchAll(/^\| `([^`]+)` \|/gm)].map(([, folder]) => folder));
  expect(folders.flatMap(foldersIn).filter((folder) => !described.has(folder))).toEqual([]);
});
