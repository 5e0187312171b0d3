import { expect, it } from 'vitest';
import { run } from '../../infra/cli/program.ts';

/** @returns the exit code and what was printed as an error. */
async function ended(...args: string[]) {
  const errors: string[] = [];
  const interrupted = () => new AbortController().signal;
  const error = (text: string) => void errors.push(text);
  const code = await run(args, { out: () => {}, error, now: () => new Date(), interrupted, kubeconfig: undefined });
  return { code, error: errors.join('\n') };
}

it.each([
  ['--kubeconfig', ['list', '--kubeconfig', '']],
  ['--context', ['--context', '', 'list']],
  ['--filename', ['plan', '-f', '']],
  ['--from', ['history', 'shop', '--from=']],
  ['--token-file', ['events', 'replay', 'x', '--to', 'http://localhost', '--token-file', '']],
])('The program refuses an empty value of %s, which an unset variable would lead to', async (flag, args) => {
  expect(await ended(...args)).toEqual({ code: 2, error: `Error: ${flag} must not be empty` });
});
