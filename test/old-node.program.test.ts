import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ended } from './cli/cli.ts';

const NEEDED = /"node": ">=([\d.]+)"/.exec(readFileSync('package.json', 'utf8'))?.[1] ?? '';
const [major = 0, minor = 0] = NEEDED.split('.').map(Number);

/** Runs a program on a Node that lacks what older ones lack, and calls itself this version. */
const onNode = async (version: string, program = ['dist/cli/website.mjs', '--version']) => {
  const older = `Object.defineProperty(process.versions, 'node', { value: '${version}' }); delete Map.groupBy;`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(older)}`, ...program];
  return ended(args, { PATH: process.env['PATH'] });
};

it.each(['18.20.8', '20.20.2', `${major}.${minor - 1}.9`])(
  'The built program says on Node %s which Node it needs',
  async (version) => {
    const error = `Node ${version} is too old: website needs Node ${NEEDED} or newer.\n`;
    expect(await onNode(version)).toEqual({ code: 2, out: '', error });
  },
);

it.each([`${major}.${minor}.0`, `${major + 1}.0.0`, '100.0.0'])(
  'The built program runs on Node %s',
  async (version) => {
    expect(await onNode(version)).toMatchObject({ code: 0, error: '' });
  },
);

it('The built program checks the version before anything else of it runs', () => {
  const text = readFileSync('dist/cli/website.mjs', 'utf8').replace(/^#!.*\n/, '');
  expect(text.indexOf('process.versions.node')).toBeLessThan(30);
  // Node resolves static imports first, and ends if an export is missing, such as `styleText` on Node 18.
  expect(text.match(/\bimport[ {*\w$}]*from ?['"][^'"]+['"]/g)).toEqual(["import{createRequire}from'node:module'"]);
});

const TOO_OLD = `${major}.${minor - 1}.9`;
it.each([
  ['dist/functions/node.js', 'the functions need', /^These environment variables are invalid/],
  ['dist/forwarder/main.mjs', 'the forwarder needs', /^Invalid settings/],
])('%s says on an older Node which one it needs, before it reads its settings', async (file, needs, otherwise) => {
  const error = `Node ${TOO_OLD} is too old: ${needs} Node ${NEEDED} or newer.\n`;
  expect(await onNode(TOO_OLD, [file])).toEqual({ code: 2, out: '', error });
  expect(await onNode(NEEDED, [file])).toMatchObject({ error: expect.stringMatching(otherwise) as string });
});

it('The functions on Azure throw on an older Node, because the host of Azure reports that', async () => {
  const source = "import('./dist/functions/azure.js').catch((error) => console.log(error.message))";
  const { out } = await onNode(TOO_OLD, ['--eval', source]);
  expect(out).toBe(`Node ${TOO_OLD} is too old: the functions need Node ${NEEDED} or newer.\n`);
  expect((await onNode(NEEDED, ['--eval', source])).out).not.toContain('too old');
});
