// Azurite, Microsoft's emulator of Azure Storage: its queues.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueueClient, StorageSharedKeyCredential } from '@azure/storage-queue';

/** Published with the emulator; it opens nothing else. */
export const ACCOUNT = 'devstoreaccount1';
export const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface Azurite {
  urlOf(queue: string): URL;
  /** A new queue, empty. */
  createQueue(name: string): Promise<QueueClient>;
  stop(): Promise<void>;
}

export async function startAzurite(): Promise<Azurite> {
  const folder = mkdtempSync(join(tmpdir(), 'azurite-'));
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/queue/main.js');
  const flags = ['--queuePort', '0', '--skipApiVersionCheck', '--disableTelemetry'];
  const child = spawn(process.execPath, [program, '--location', folder, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const origin = await new Promise<string>((resolve, reject) => {
    let said = '';
    child.once('exit', (code) => reject(new Error(`Azurite ended with ${code}: ${said}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const [, found] = /successfully listens on (http:\S+)/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  const urlOf = (queue: string) => new URL(`${origin}/${ACCOUNT}/${queue}`);
  return {
    urlOf,
    async createQueue(name) {
      const queue = new QueueClient(urlOf(name).href, new StorageSharedKeyCredential(ACCOUNT, ACCOUNT_KEY));
      await queue.create();
      return queue;
    },
    async stop() {
      if (child.exitCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill();
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
