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

/** A download fails if no data arrives for this long. */
export const STALL_MS = 30_000;

const PROGRESS_INTERVAL_MS = 5_000;

/** Downloads the official releases. It keeps a file only if its SHA-256 matches the published one. */
export function officialReleases(hosts: ReleaseHosts = OFFICIAL, stallMs = STALL_MS): Source {
  return {
    name: 'official releases',
    async fetch(wanted, pathOf, progress) {
      const [first] = wanted;
      if (first === undefined) return;
      const platform = platformName();
      let bytes = 0;
      const timer = setInterval(() => progress(`Downloaded ${Math.round(bytes / 1e6)} MB`), PROGRESS_INTERVAL_MS);
      // The connect timeout is short, so that a machine without internet access fails quickly.
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

/** Downloads and verifies a program, and returns its path. */
async function download({ url, checksum, inside }: Release, destination: Destination): Promise<string> {
  const { path, agent } = destination;
  const published = checksum.read(await text(checksum.url, agent));
  const digest = await save(url, destination);
  if (digest !== published) throw new Error(`${url} has SHA-256 ${digest}, but the published one is ${published}`);
  const program = inside === undefined ? path : await extract(path, inside);
  chmodSync(program, 0o755);
  return program;
}

async function get(url: string, agent: Agent) {
  const response = await fetch(url, { dispatcher: agent }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`${url} cannot be reached: ${cause}`, { cause: error });
  });
  if (!response.ok) throw new Error(`${url} returned HTTP ${response.status}`);
  return response;
}

const text = async (url: string, agent: Agent): Promise<string> => (await get(url, agent)).text();

/** Saves a body and returns its SHA-256, in hexadecimal. */
async function save(url: string, { path, agent, received }: Destination): Promise<string> {
  const { body } = await get(url, agent);
  if (body === null) throw new Error(`${url} returned an empty response`);
  const hash = createHash('sha256');
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      received(chunk.length);
      yield chunk;
    }
  };
  await pipeline(Readable.fromWeb(body), hashed, createWriteStream(path)).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`The download of ${url} was interrupted: ${why}`, { cause: error });
  });
  return hash.digest('hex');
}

/** Extracts one file from an archive, and returns its path. */
async function extract(archive: string, inside: string): Promise<string> {
  const path = `${archive}.extracted`;
  const tar = spawn('tar', ['-xzOf', archive, inside], { stdio: ['ignore', 'pipe', 'ignore'] });
  const failed = new Promise<never>((_, reject) =>
    tar.once('error', (error) => reject(new Error(`tar: ${error.message}`))),
  );
  const code = new Promise<number | null>((resolve) => tar.once('close', resolve));
  await Promise.race([pipeline(tar.stdout, createWriteStream(path)), failed]);
  if ((await code) !== 0) throw new Error(`tar could not extract ${inside} from ${archive}`);
  return path;
}
