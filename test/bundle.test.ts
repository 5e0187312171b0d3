// What `npm run build` leaves out, seen in what the programs load.
import { execFile } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

const SAY_WHAT_IS_LOADED = `data:text/javascript,${encodeURIComponent(
  'process.once("exit", () => console.log(JSON.stringify(process.moduleLoadList)))',
)}`;

it.each([
  ['the forwarder', ['dist/forwarder/main.mjs', '--help']],
  ['functions on Node', ['dist/functions/node.js', '--help']],
  ['functions on Azure', ['dist/functions/azure.js']],
])('has only its own undici in %s', async (_, args) => {
  const env = { PATH: process.env['PATH'] };
  const command = ['--import', SAY_WHAT_IS_LOADED, ...args];
  const { stdout } = await run(process.execPath, command, { env }).catch((error: { stdout: string }) => error);
  const loaded = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
  expect(loaded).toContain('NativeModule http');
  expect(loaded.filter((each) => each.includes('undici'))).toEqual([]);
});

// A CommonJS library that is loaded dynamically has nothing but `default` in a split bundle, unlike in the source.
it.each(['functions', 'forwarder'])(
  'loads nothing later in the %s whose names would be missing then',
  async (program) => {
    const chunks = globSync(`dist/${program}/*`).flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/\bimport\("(\.\/[^"]+)"\)/g)].map(([, path = '']) =>
        resolve(dirname(file), path),
      ),
    );
    expect(chunks).not.toEqual([]);
    const source = `for (const chunk of ${JSON.stringify([...new Set(chunks)])})
    console.log(JSON.stringify([chunk, Object.keys(await import(chunk))]));`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', source]);
    const exported = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, string[]]);
    expect(exported.filter(([, names]) => names.every((name) => name === 'default'))).toEqual([]);
  },
);
