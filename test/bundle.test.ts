// What `npm run build` leaves out, seen in what the programs load.
import { execFile } from 'node:child_process';
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
