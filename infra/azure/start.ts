// npm run start:azure: runs the built functions in the real Azure Functions host, with Azurite as storage.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, copyFileSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { QueueServiceClient } from '@azure/storage-queue';

const SETTINGS = 'local.settings.json';
/** The ports of `UseDevelopmentStorage=true`: blobs for the host's leases and keys, queues for events. */
const PORTS = [10_000, 10_001];

if (!existsSync(SETTINGS)) {
  copyFileSync('local.settings.example.json', SETTINGS, constants.COPYFILE_EXCL);
  console.log(`Wrote ${SETTINGS}: the functions use kubectl's current cluster unless you set KUBECONFIG in this file`);
}

const stopStorage = await startStorage();
try {
  await createQueue();
  process.exitCode = await runHost(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await stopStorage();
}

/** Starts Azurite, unless its ports are already in use. @returns a function that stops it. */
async function startStorage(): Promise<() => Promise<void>> {
  if ((await Promise.all(PORTS.map(isOpen))).every(Boolean)) return async () => {};
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js');
  const flags = ['--inMemoryPersistence', '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const azurite = spawn(process.execPath, [program, ...flags], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(azurite, 'exit');
  while (azurite.exitCode === null && !(await Promise.all(PORTS.map(isOpen))).every(Boolean))
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 50))]);
  return async () => {
    if (azurite.exitCode === null && azurite.signalCode === null) azurite.kill();
    await ended;
  };
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Creates the queue, because the queue trigger does not create it. */
async function createQueue(): Promise<void> {
  const { Values } = JSON.parse(readFileSync(SETTINGS, 'utf8')) as { Values: Record<string, string> };
  const name = Values['EVENTS_QUEUE'] ?? '';
  const storage = Values['AzureWebJobsStorage'] ?? '';
  if (name === '' || storage === '') return;
  await QueueServiceClient.fromConnectionString(storage).getQueueClient(name).createIfNotExists();
}

/** Runs `func start`. Ctrl-C in the terminal reaches func too, so we ignore it and wait for func to end. */
async function runHost(args: readonly string[]): Promise<number> {
  process.on('SIGINT', () => {});
  const host = spawn('func', ['start', ...args], { stdio: 'inherit' });
  process.once('SIGTERM', () => host.kill('SIGTERM'));
  const [code] = (await once(host, 'exit')) as [number | null];
  return code ?? 1;
}
