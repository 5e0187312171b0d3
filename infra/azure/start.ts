// npm run start:azure: the built functions in the real Azure Functions host, with Azurite as their storage.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants, copyFileSync, existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { QueueServiceClient } from '@azure/storage-queue';

const SETTINGS = 'local.settings.json';
/** What `UseDevelopmentStorage=true` means to the host: blobs for its leases and keys, queues for events. */
const PORTS = [10_000, 10_001];

if (!existsSync(SETTINGS)) {
  copyFileSync('local.settings.example.json', SETTINGS, constants.COPYFILE_EXCL);
  console.log(`Wrote ${SETTINGS}: the functions take kubectl's own cluster until KUBECONFIG there names another`);
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

/** Starts Azurite, unless something listens there already. @returns what ends it. */
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

/** The trigger waits for its queue, and nobody else makes it. */
async function createQueue(): Promise<void> {
  const { Values } = JSON.parse(readFileSync(SETTINGS, 'utf8')) as { Values: Record<string, string> };
  const name = Values['EVENTS_QUEUE'] ?? '';
  const storage = Values['AzureWebJobsStorage'] ?? '';
  if (name === '' || storage === '') return;
  await QueueServiceClient.fromConnectionString(storage).getQueueClient(name).createIfNotExists();
}

/** Runs `func start`. The terminal's Ctrl-C reaches it as well as us, so it is waited for. */
async function runHost(args: readonly string[]): Promise<number> {
  process.on('SIGINT', () => {});
  const host = spawn('func', ['start', ...args], { stdio: 'inherit' });
  process.once('SIGTERM', () => host.kill('SIGTERM'));
  try {
    const [code] = (await once(host, 'exit')) as [number | null];
    return code ?? 1;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(
      'There is no func: install Azure Functions Core Tools 4 (npm install -g azure-functions-core-tools@4)',
      { cause: error },
    );
  }
}
