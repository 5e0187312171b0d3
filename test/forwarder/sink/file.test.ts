import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { eventOf, type WebsiteEvent } from '../../../infra/forwarder/event.ts';
import { fileSink } from '../../../infra/forwarder/sink/file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-sink-'));
  path = join(folder, 'events.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

const numbered = (id: string): WebsiteEvent =>
  eventOf({ kind: 'resync', id, time: '2026-01-02T03:04:05.678Z' }, { cluster: 'test', extensions: {} });

async function sinkAt(file: string) {
  const sink = await fileSink({ kind: 'file', url: pathToFileURL(file) });
  onTestFinished(() => sink.close());
  return (id: string, timeoutMs = 10_000) => sink.send(numbered(id), timeoutMs);
}

const idsIn = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { id: string }).id);

it('The file sink appends one event per line, in order, to a file that only its owner can read', async () => {
  const send = await sinkAt(path);
  const ids = Array.from({ length: 500 }, (_, index) => String(index));
  const deliveries = await Promise.all(ids.map((id) => send(id)));
  expect(deliveries.every(({ kind }) => kind === 'accepted')).toBe(true);
  expect(idsIn(path)).toEqual(ids);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const [first = ''] = readFileSync(path, 'utf8').split('\n');
  expect(JSON.parse(first)).toEqual({
    id: '0',
    specversion: '1.0',
    time: '2026-01-02T03:04:05.678Z',
    type: 'com.example.stable.websites.resync',
    source: '/clusters/test/apis/stable.example.com/v1',
  });
});

it('A missing folder fails a delivery with an error that names the path, and the next delivery works once the folder exists', async () => {
  const deep = join(folder, 'later', 'events.jsonl');
  const send = await sinkAt(deep);
  const why = expect.stringContaining(`Could not write ${deep}: ENOENT`) as string;
  expect(await send('1')).toEqual({ kind: 'failed', why });
  mkdirSync(join(folder, 'later'));
  expect(await send('1')).toEqual({ kind: 'accepted' });
  expect(idsIn(deep)).toEqual(['1']);
});

it.runIf(existsSync('/dev/full'))('A full disk fails a delivery', async () => {
  const send = await sinkAt('/dev/full');
  expect(await send('1')).toMatchObject({
    kind: 'failed',
    why: expect.stringContaining('/dev/full: ENOSPC') as string,
  });
  expect(await send('1')).toMatchObject({ kind: 'failed' });
});

it('A write that fails halfway leaves no part of a line', () => {
  // A limit for the size of files, which the second line exceeds.
  const script = `
    import { EventFile } from './functions/events/event-file.ts';
    const file = new EventFile(${JSON.stringify(path)});
    const line = (text) => JSON.stringify({ text }) + '\\n';
    await file.append([line('1'.repeat(600))]);
    await file.append([line('2'.repeat(600))]).catch((error) => console.log(error.message));
    await file.append([line('3'.repeat(300))]);
    await file.close();`;
  const command = `ulimit -f 1 && exec "$0" --input-type=module --eval "$1"`;
  const said = execFileSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  expect(said).toContain(`Could not write ${path}: EFBIG`);
  const texts = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { text: string }).text[0]);
  expect(texts).toEqual(['1', '3']);
});

it('A half-written line of an earlier process does not spoil the next line', async () => {
  appendFileSync(path, '{"id":"half');
  const send = await sinkAt(path);
  await send('1');
  await send('2');
  const [half, ...lines] = readFileSync(path, 'utf8').trim().split('\n');
  expect(half).toBe('{"id":"half');
  expect(lines.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(['1', '2']);
});

it('The file sink creates a rotated or deleted file again', async () => {
  const send = await sinkAt(path);
  await send('1');
  renameSync(path, `${path}.1`);
  await send('2');
  rmSync(path);
  await send('3');
  expect([idsIn(`${path}.1`), idsIn(path)]).toEqual([['1'], ['3']]);
});

it('A folder or a pipe is refused at the start, and fails a delivery later', async () => {
  await expect(sinkAt(folder)).rejects.toThrow(`--sink (SINK, K_SINK): ${folder} is not a file`);
  const send = await sinkAt(path);
  execFileSync('bash', ['-c', 'mkfifo "$0"', path]);
  await expect(sinkAt(path)).rejects.toThrow('is not a file');
  expect(await send('1')).toEqual({ kind: 'failed', why: `Could not write ${path}: it is not a file` });
});
