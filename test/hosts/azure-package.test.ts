// The package that is deployed to Azure, without the files that .funcignore excludes.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startProgram } from '../program.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'package-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** The files that git would list if .funcignore were the only .gitignore of an empty repository. */
function packaged(): string[] {
  const git = (...args: string[]) => execFileSync('git', ['--git-dir', join(folder, 'git'), ...args]).toString();
  git('init', '--quiet', '--bare');
  return git('--work-tree', '.', 'ls-files', '--others', '--exclude-from=.funcignore').trim().split('\n');
}

it('The package has the bundle and the files that the host reads', () => {
  const files = packaged();
  expect(files.filter((file) => !file.startsWith('dist/functions/')).toSorted()).toEqual([
    'LICENSE',
    'host.json',
    'package.json',
  ]);
  expect(files).toContain('dist/functions/azure.js');
});

it('The package registers its functions without node_modules', async () => {
  for (const file of packaged()) cpSync(file, join(folder, 'app', dirname(file), file.split('/').at(-1) ?? ''));
  const program = startProgram('test/hosts/azure-worker.ts', [resolve(folder, 'app/dist/functions/azure.js')]);
  const { functions } = (await program.line('Registered')) as { functions: unknown[] };
  expect(functions).toHaveLength(4);
  expect(await program.stop()).toBe(0);
});
