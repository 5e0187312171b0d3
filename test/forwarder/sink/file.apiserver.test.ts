// The built forwarder with a file as its sink, and the command that replays the file's events.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it, onTestFinished } from 'vitest';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { website } from '../../cli/cli.ts';
import { eventually } from '../../eventually.ts';
import { startForwarder, type Program } from '../../program.ts';
import { createNamespace, createWebsite, replaceWebsiteSpec } from '../../real-cluster.ts';

let admin: Transport;
let namespace: string;
let folder: string;
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  namespace = await createNamespace(admin, 'file-sink');
  folder = mkdtempSync(join(tmpdir(), 'file-sink-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function start(path: string): Program {
  const flags = ['--host', '127.0.0.1', '--port', '0', '--namespaces', namespace];
  const program = startForwarder(flags, { SINK: pathToFileURL(path).href, KUBECONFIG: inject('forwarderKubeconfig') });
  onTestFinished(async () => void (await program.stop()));
  return program;
}

interface Recorded {
  readonly id: string;
  readonly type: string;
  readonly data?: { readonly name: string; readonly generation: number };
}
const eventsIn = (path: string): Recorded[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('{"id":"half') || line === '' ? [] : [JSON.parse(line) as Recorded]));

const generationsIn = (path: string) => eventsIn(path).flatMap(({ data }) => data?.generation ?? []);

it('The file holds the events in their order, and website events replay sends them again', async () => {
  const path = join(folder, 'events.jsonl');
  const first = start(path);
  expect(await first.line('Listening')).toMatchObject({ sink: pathToFileURL(path).href });
  const { metadata } = await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  await eventually(() => expect(generationsIn(path)).toEqual([1]));
  expect(await first.stop()).toBe(0);
  // As if the forwarder had been killed while it wrote.
  appendFileSync(path, '{"id":"half');
  const second = start(path);
  await second.line('Listening');
  await replaceWebsiteSpec(admin, { namespace, name: 'shop' }, { image: 'nginx:2', replicas: 0 });
  await eventually(() => expect(generationsIn(path).at(-1)).toBe(2));
  expect(await second.stop()).toBe(0);

  const received: Recorded[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push(JSON.parse(Buffer.concat(chunks).toString()) as Recorded);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const to = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const replayed = await website(['events', 'replay', path, '--to', to]);
  expect(replayed.code).toBe(0);
  expect(replayed.error).toMatch(/^Skipped .*events.jsonl, line \d+: the event is not complete\n$/);
  expect(received).toEqual(eventsIn(path));
  // The forwarder may have requested a resync before.
  const changed = received.find(({ data }) => data !== undefined);
  expect(changed?.id.startsWith(`${metadata.uid}.`)).toBe(true);
});

it('A failed write is retried, and the log names the path', async () => {
  const path = join(folder, 'later', 'events.jsonl');
  const program = start(path);
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  const { why } = await program.line('Could not deliver event', { name: 'shop' });
  expect(why).toContain(`Could not write ${path}: ENOENT`);
  mkdirSync(join(folder, 'later'));
  await program.line('Delivered event', { name: 'shop' });
  expect(generationsIn(path)).toEqual([1]);
});

it.runIf(existsSync('/dev/full'))('A full disk does not end the forwarder', async () => {
  const program = start('/dev/full');
  await createWebsite(admin, { namespace, name: 'shop' }, { image: 'nginx:1', replicas: 0 });
  expect((await program.line('Could not deliver event'))['why']).toContain('/dev/full: ENOSPC');
  await eventually(() => expect(program.lines.filter(({ attempt }) => Number(attempt) >= 2)).not.toEqual([]));
  expect(await program.stop()).toBe(0);
});

it('A folder as the sink ends the forwarder with one sentence and exit code 1', async () => {
  const program = start(folder);
  expect(await program.exit).toBe(1);
  expect(program.stderr.join('')).toBe(
    `--sink (SINK, K_SINK): ${folder} is not a file. Name a file, which the forwarder creates\n`,
  );
});
