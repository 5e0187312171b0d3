import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createWriteStream, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, fetch } from 'undici';
import type { Source } from './binaries.ts';
import { OFFICIAL, platformName, releaseOf, type Release, type ReleaseHosts } from './releases.ts';
import { inWorkFolder } from './work-folder.ts';

/** How long nothing may arrive. */
export const STALL_MS = 30_000;

const EVERY_MS = 5_000;

/** Downloads the official releases. Nothing is kept whose SHA-256 is not the published one. */
export function officialReleases(hosts: ReleaseHosts = OFFICIAL, stallMs = STALL_MS): Source {
  return {
    name: 'official releases',
    async fetch(wanted, pathOf, progress) {
      const [first] = wanted;
      if (first === undefined) return;
      const platform = platformName();
      let bytes = 0;
      const timer = setInterval(() => progress(`Downloaded ${Math.round(bytes / 1e6)} MB`), EVERY_MS);
      // A machine without a way out fails at once, and not once for each program.
      const agent = new Agent({ connectTimeout: 5_000, headersTimeout: stallMs, bodyTimeout: stallMs });
      const received = (length: number) => {
        bytes += length;
      };
      try {
        await inWorkFolder(pathOf(first), async (work) => {
          const downloads = wanted.map(async (program) => {
            const verified = await download(releaseOf(program, platform, hosts), {
              path: join(work, program),
              agent,
              received,
            });
            renameSync(verified, pathOf(program));
            progress(`Downloaded and verified ${program}`);
          });
          const failed = (await Promise.allSettled(downloads)).find(({ status }) => status === 'rejected');
          if (failed?.status === 'rejected') throw failed.reason;
        });
      } finally {
        clearInterval(timer);
        await agent.destroy();
      }
    },
  };
}

interface Destination {
  readonly path: string;
  readonly agent: Agent;
  readonly received: (length: number) => void;
}

/** Returns where the verified program is. */
async function download({ url, checksum, inside }: Release, destination: Destination): Promise<string> {
  const { path, agent } = destination;
  const published = checksum.read(await text(checksum.url, agent));
  const digest = await save(url, destination);
  if (digest !== published) throw new Error(`${url} has the SHA-256 ${digest}, and ${published} is published`);
  const program = inside === undefined ? path : await extract(path, inside);
  chmodSync(program, 0o755);
  return program;
}

async function get(url: string, agent: Agent) {
  const response = await fetch(url, { dispatcher: agent }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${url} cannot be reached: ${cause}`, { cause: error });
  });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

const text = async (url: string, agent: Agent): Promise<string> => (await get(url, agent)).text();

/** Saves a body and returns its SHA-256, in hexadecimal. */
async function save(url: string, { path, agent, received }: Destination): Promise<string> {
  const { body } = await get(url, agent);
  if (body === null) throw new Error(`${url} answered nothing`);
  const hash = createHash('sha256');
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      received(chunk.length);
      yield chunk;
    }
  };
  await pipeline(Readable.fromWeb(body), hashed, createWriteStream(path)).catch((error: unknown) => {
    throw new Error(`${url} broke off: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
  return hash.digest('hex');
}

/** Takes one file out of an archive, and returns where it is. */
async function extract(archive: string, inside: string): Promise<string> {
  const path = `${archive}.extracted`;
  const tar = spawn('tar', ['-xzOf', archive, inside], { stdio: ['ignore', 'pipe', 'ignore'] });
  const failed = new Promise<never>((_, reject) =>
    tar.once('error', (error) => reject(new Error(`tar: ${error.message}`))),
  );
  const code = new Promise<number | null>((resolve) => tar.once('close', resolve));
  await Promise.race([pipeline(tar.stdout, createWriteStream(path)), failed]);
  if ((await code) !== 0) throw new Error(`tar found no ${inside} in ${archive}`);
  return path;
}
