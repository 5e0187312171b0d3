import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { headersFrom } from '../../../infra/cli/header.ts';
import { storedHistory } from '../../../infra/cli/history/stored-history.ts';

let folder: string;
let server: Server;
let at: string;
let answer: { readonly status: number; readonly body: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'website-history-'));
  server = createServer((_, response) => response.writeHead(answer.status).end(answer.body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

it.each([
  [401, '{"detail":"Authentication is required"}', /answers 401 \(Authentication is required\): .*--token-file FILE/],
  [403, '{"detail":"no such subject"}', /answers 403 \(no such subject\): .*CALLER_SUBJECTS/],
  [404, '', /answers 404: the path is \/history, and \/api\/history on Azure\. .*HISTORY_URL/],
  [503, '{"detail":"The database does not answer"}', /answers 503 \(The database does not answer\)$/],
  [200, '<html>', /answers something else than a history: check the address: the path is \/history/],
])('website history --from says what to do if the address answers %i', async (status, body, message) => {
  answer = { status, body };
  await expect(storedHistory(`${at}/history`, { namespace: 'a', name: 'shop' }, {})).rejects.toThrow(message);
});

it('website history --from refuses an answer without an end, and names the address and the limit', async () => {
  answer = { status: 200, body: `{"records": [], "rest": "${'x'.repeat(16 * 1024 * 1024)}"}` };
  await expect(storedHistory(`${at}/history?a=b`, { namespace: 'a', name: 'shop' }, {})).rejects.toThrow(
    `${at}/history answers with more than 16777216 bytes: check the address`,
  );
});

it('website history --from prints words for people, and the words of the record as JSON', async () => {
  const actions = ['replace Deployment', 'update status'];
  const record = { time: '2026-01-02T03:04:05Z', eventReason: 'child-drifted', outcome: 'waiting', actions, ms: 5 };
  answer = { status: 200, body: JSON.stringify({ records: [record] }) };
  const { text, data } = await storedHistory(`${at}/history`, { namespace: 'a', name: 'shop' }, {});
  expect(text).toMatch(/ a child changed +waiting +update Deployment, update status /);
  expect(data).toMatchObject([{ eventReason: 'child-drifted', actions }]);
});

function file(content: string): string {
  const path = join(folder, 'file');
  writeFileSync(path, content);
  return path;
}

it('A token and a header may be read from files, which hides them from lists of processes', () => {
  expect(headersFrom({ tokenFile: file('abc.def\n') })).toEqual({ authorization: 'Bearer abc.def' });
  expect(headersFrom({ header: `@${file('x-functions-key: KEY==\n')}` })).toEqual({ 'x-functions-key': 'KEY==' });
  expect(headersFrom({ header: 'x-key: a' })).toEqual({ 'x-key': 'a' });
});

it.each([
  ['two lines', () => ({ tokenFile: file('a\nb') }), /--token-file must be a file with one token/],
  ['no token', () => ({ tokenFile: file('') }), /--token-file must be a file with one token/],
  ['endless content', () => ({ tokenFile: '/dev/zero' }), /\/dev\/zero: it is larger than 1048576 bytes: check that/],
  ['a large header', () => ({ header: `@${file(`a: ${'b'.repeat(1_048_576)}`)}` }), /it is larger than 1048576 bytes/],
  ['a missing path', () => ({ tokenFile: 'missing' }), /Could not read missing/],
  ['a folder as its path', () => ({ header: `@${folder}` }), /Could not read/],
  ['an invalid name', () => ({ header: 'a b: c' }), /--header must have the form/],
  ['characters outside ASCII', () => ({ header: 'a: ü' }), /--header must have the form/],
])('The program refuses a file or header with %s', (_, flags, message) => {
  expect(() => headersFrom(flags())).toThrow(message);
});
