// ARCHITECTURE.md and CONTRIBUTING.md describe where to find things, so they may name only paths that exist.
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
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

it.each([
  ['ARCHITECTURE.md', 80],
  ['CONTRIBUTING.md', 60],
])('Every path that %s names exists', (page, fewest) => {
  const paths = pathsIn(readFileSync(page, 'utf8')).flatMap(expanded);
  expect(paths.length).toBeGreaterThan(fewest);
  expect(paths.filter((path) => globSync(path).length === 0)).toEqual([]);
});

it('ARCHITECTURE.md describes every folder of the sources', () => {
  const folders = [
    'functions',
    'functions/website',
    'functions/website/children',
    'infra',
    'infra/cli',
    'infra/forwarder',
    'infra/local',
  ];
  const described = new Set([...PAGE.matchAll(/^\| `([^`]+)` \|/gm)].map(([, folder]) => folder));
  expect(folders.flatMap(foldersIn).filter((folder) => !described.has(folder))).toEqual([]);
});

it('The lint rule of the core forbids every import from the folders around it', () => {
  const rules = JSON.parse(readFileSync('.oxlintrc.json', 'utf8')) as {
    overrides: { files: string[]; rules: Record<string, [string, { patterns: { regex?: string }[] }]> }[];
  };
  const core = rules.overrides.find(({ files }) => files.includes('functions/website/**'));
  const [, { patterns }] = core?.rules['no-restricted-imports'] ?? ['', { patterns: [] }];
  const around = readdirSync('functions', { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/x.ts` : entry.name))
    .filter((path) => !path.startsWith('website/') && !path.startsWith('cluster/'));
  const isForbidden = (path: string) =>
    patterns.some(({ regex }) => regex !== undefined && new RegExp(regex).test(path));
  expect(around.length).toBeGreaterThan(10);
  expect(around.filter((path) => !isForbidden(`../${path}`) || !isForbidden(`../../${path}`))).toEqual([]);
});

/** The relative imports of each file, as written: types, dynamic imports and re-exports too. */
const IMPORTS = new Map(
  globSync('{crds,functions,infra}/**/*.ts').map((file) => {
    const found = readFileSync(file, 'utf8').matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g);
    return [file, [...found].map(([, path = '']) => path)] as const;
  }),
);
const importedBy = (file: string): string[] =>
  IMPORTS.get(file)?.map((path) => posix.join(posix.dirname(file), path)) ?? [];

// The lint rule against cycles does not follow dynamic imports.
it('The sources have no import cycle, including dynamic and type imports', () => {
  const reachable = (from: string) => {
    const seen = new Set<string>();
    for (const next = importedBy(from); next.length > 0;) {
      const file = next.pop() ?? '';
      if (seen.has(file)) continue;
      seen.add(file);
      next.push(...importedBy(file));
    }
    return seen;
  };
  const files = [...IMPORTS.keys()];
  expect(files.flatMap(importedBy).filter((file) => !IMPORTS.has(file) && !existsSync(file))).toEqual([]);
  expect(files.filter((file) => reachable(file).has(file))).toEqual([]);
});

// ARCHITECTURE.md lists the folders in this order.
it('Each folder of the core imports only from the folders after it', () => {
  const order = ['run', 'pods', 'status', 'plan', 'children', 'schema'];
  const rank = (file: string) => order.indexOf(file.split('/')[2] ?? '');
  const core = [...IMPORTS.keys()].filter((file) => file.startsWith('functions/website/'));
  const upward = core.flatMap((file) =>
    importedBy(file)
      .filter((imported) => imported.startsWith('functions/website/') && rank(imported) !== -1)
      .filter((imported) => rank(imported) < rank(file))
      .map((imported) => `${file} imports ${imported}`),
  );
  expect(foldersIn('functions/website').map((folder) => folder.split('/')[2])).toEqual(order.toSorted());
  expect(upward).toEqual([]);
});

// The lint rules about layers compare paths as they are written.
it('Every relative import is written in its shortest form', () => {
  const shortest = (file: string, path: string) => {
    const way = posix.relative(posix.dirname(file), posix.join(posix.dirname(file), path));
    return way.startsWith('.') ? way : `./${way}`;
  };
  const detours = [...IMPORTS].flatMap(([file, paths]) => paths.filter((path) => path !== shortest(file, path)));
  expect([...IMPORTS.values()].flat().length).toBeGreaterThan(500);
  expect(detours).toEqual([]);
});

it('Only the tests of the project alone replace a module, because unit tests share their modules', () => {
  const names = ['vi.mock(', 'vi.doMock('];
  const replacing = globSync('test/**/*.test.ts').filter((file) =>
    names.some((name) => file !== 'test/architecture.test.ts' && readFileSync(file, 'utf8').includes(name)),
  );
  // The project `alone` of vitest.config.ts has them.
  expect(replacing.toSorted()).toEqual(['test/events/mixed-releases.test.ts', 'test/forwarder/sink/sink-name.test.ts']);
});
