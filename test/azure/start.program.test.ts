// npm run start:azure, with a script in place of the real host.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { inherited } from '../program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'start-azure-'));
  copyFileSync('local.settings.example.json', join(folder, 'local.settings.example.json'));
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs it in a folder of its own, with this as its `func`. */
async function start(func: string | undefined, args: readonly string[] = []) {
  const bin = join(folder, 'func');
  if (func !== undefined) {
    writeFileSync(bin, `#!${process.execPath}\n${func}`);
    chmodSync(bin, 0o755);
  }
  const child = spawn(process.execPath, [resolve('infra/azure/start.ts'), ...args], {
    cwd: folder,
    env: { ...inherited(), PATH: folder },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

it('npm run start:azure runs func start with a storage emulator, and exits with its code', async () => {
  const func = `
    const serverOn = async (port) => (await fetch('http://127.0.0.1:' + port + '/devstoreaccount1')).headers.get('server');
    console.log('func', ...process.argv.slice(2));
    Promise.all([10000, 10001].map(serverOn)).then((servers) => {
      console.log(servers.join(' '));
      process.exit(7);
    });`;
  const { code, said } = await start(func, ['--port', '7072']);
  expect(said).toContain('func start --port 7072');
  expect(said.match(/Azurite-(Blob|Queue)/g)).toEqual(['Azurite-Blob', 'Azurite-Queue']);
  expect(code).toBe(7);
});

it('npm run start:azure writes missing settings, and keeps existing ones', async () => {
  expect((await start('')).said).toContain('Wrote local.settings.json');
  const settings = join(folder, 'local.settings.json');
  expect(readFileSync(settings, 'utf8')).toBe(readFileSync('local.settings.example.json', 'utf8'));
  writeFileSync(settings, '{"Values":{}}');
  expect((await start('')).said).toBe('');
  expect(readFileSync(settings, 'utf8')).toBe('{"Values":{}}');
});

it('npm run start:azure creates the queue that the settings name', async () => {
  const queue = `events-${process.pid}`;
  const settings = { Values: { AzureWebJobsStorage: 'UseDevelopmentStorage=true', EVENTS_QUEUE: queue } };
  writeFileSync(join(folder, 'local.settings.json'), JSON.stringify(settings));
  const func = `
    const { QueueServiceClient } = require('@azure/storage-queue');
    const queue = QueueServiceClient.fromConnectionString('UseDevelopmentStorage=true').getQueueClient('${queue}');
    queue.exists().then((exists) => console.log('exists', exists));`;
  expect((await start(func)).said).toContain('exists true');
});

/** Runs the check that comes before the build. */
async function check(version?: string) {
  if (version !== undefined) {
    writeFileSync(join(folder, 'func'), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
  }
  const child = spawn(process.execPath, [resolve('infra/azure/core-tools.ts')], {
    env: { ...inherited(), PATH: `${folder}:/bin` },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

it('Before the build, npm run start:azure says what to install if func is missing', async () => {
  const { code, said } = await check();
  expect(said).toBe(
    'Could not find func: install Azure Functions Core Tools 4.4.0 or newer (npm install -g azure-functions-core-tools@4)\n',
  );
  expect(code).toBe(1);
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  expect(scripts['start:azure']).toMatch(/&& node infra\/azure\/core-tools\.ts && npm run build/);
});

it.each(['4.4.0', '4.4.1', '4.12.0', '5.0.0'])('npm run start:azure accepts Core Tools %s', async (version) => {
  expect(await check(version)).toEqual({ code: 0, said: '' });
});

it.each(['4.3.9', '4.0.5455', '3.0.2931'])(
  'npm run start:azure refuses Core Tools %s, whose worker does not support Node 24',
  async (version) => {
    const { code, said } = await check(version);
    expect(said).toContain(`Core Tools ${version} do not support Node 24: install 4.4.0 or newer`);
    expect(code).toBe(1);
  },
);
