// Secrets that somebody types in a wrong place, given to the program as it ships.
import { expect, it } from 'vitest';
import { website } from './cli.ts';

/** Stands in each secret. */
const HUSH = 'hunter2-marker';
const TOKEN = `eyJ${HUSH}.${HUSH}.${HUSH}`;
const STATIC = '9f86d081884c7d659a2feaa0c55ad015';
const URL_WITH_PASSWORD = `https://somebody:${HUSH}@127.0.0.1:1/`;
const ENVIRONMENT = { KUBECONFIG: 'test/fixtures/unreachable.kubeconfig' };
const HISTORY = ['history', 'shop', '--from', 'http://127.0.0.1:1/history'];

it.each([
  ['a token as the name of its file', [...HISTORY, '--token-file', TOKEN]],
  ['a token as the file of a header', [...HISTORY, '--header', `@${TOKEN}`]],
  ['a token as a header', [...HISTORY, '--header', TOKEN]],
  ['a token of an unknown flag', [...HISTORY, `--token=${HUSH}`]],
  ['a token as the kubeconfig', ['list', '--kubeconfig', TOKEN]],
  ['a token as the namespace', ['list', '-n', TOKEN]],
  ['a token as the format', ['list', '-o', TOKEN]],
  ['a token as a command', [TOKEN]],
  ['a token as an argument', ['list', TOKEN]],
  ['a token as a Website', ['reconcile', TOKEN]],
  ['a token as a recorded file', ['events', 'replay', TOKEN, '--to', 'http://127.0.0.1:1']],
  ['a token as a manifest', ['plan', '-f', TOKEN]],
  ['a token as the address of the functions', ['doctor', '--functions-url', TOKEN]],
  ['a URL with a password as the kubeconfig', ['list', '--kubeconfig', URL_WITH_PASSWORD]],
  ['a URL with a password as a manifest', ['plan', '-f', URL_WITH_PASSWORD]],
  ['a URL with a password as a recorded file', ['events', 'replay', URL_WITH_PASSWORD, '--to', 'http://127.0.0.1:1']],
  ['a URL with a password as a Website', ['explain', URL_WITH_PASSWORD]],
])('website does not print %s', async (_, args) => {
  const { code, out, error } = await website(args, ENVIRONMENT);
  expect(code).not.toBe(0);
  expect(error).toMatch(/^error: /i);
  expect(out + error).not.toContain(HUSH);
});

it.each([
  ['the name of its file', [...HISTORY, '--token-file']],
  ['the kubeconfig', ['list', '--kubeconfig']],
  ['a recorded file', ['events', 'replay', '--to', 'http://127.0.0.1:1']],
  ['a manifest', ['plan', '-f']],
])('website does not print a static token without a shape, typed as %s', async (_, args) => {
  const { code, error } = await website([...args, STATIC], ENVIRONMENT);
  expect(code).not.toBe(0);
  expect(error).toContain('ENOENT');
  expect(error).not.toContain(STATIC);
});

it('website names a file that is missing', async () => {
  const { error } = await website([...HISTORY, '--token-file', '/nowhere/website-forwarder.token'], ENVIRONMENT);
  expect(error).toContain('Could not read /nowhere/website-forwarder.token: ENOENT');
});
