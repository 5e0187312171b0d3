import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createWriteStream, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, fetch } from 'undici';
import { messageOf } from '../../../functions/cluster/causes.ts';
import type { Source } from './binaries.ts';
import { OFFICIAL, platformName, releaseOf, unofficialReleaseOf, type Release, type ReleaseHosts } from './releases.ts';
import { inWorkFolder } from './work-folder.ts';

/** A download fails if no data arrives for this long. */
export const STALL_MS = 30_000;

/** No program is larger, in bytes. */
const LARGEST = 512 * 1024 * 1024;
/** No list of checksums is larger, in bytes. */
const LARGEST_LIST = 1024 * 1024;

const PROGRESS_INTERVAL_MS = 1_000;

export interface DownloadOptions {
  readonly hosts?: ReleaseHosts;
  readonly stallMs?: number;
  /** The largest download, in bytes. */
  readonly largest?: number;
  /** This machine's when absent. */
  readonly platform?: string;
}

export const officialReleases = (options: DownloadOptions = {}): Source =>
  downloads('official releases', releaseOf, options);

/** Builds of Kubernetes' servers for other systems than Linux, by members of the KWOK project. */
export const unofficialReleases = (options: DownloadOptions = {}): Source =>
  downloads('unofficial builds of kwok-ci/k8s', unofficialReleaseOf, options);

/** Downloads programs. It keeps a file only if its SHA-256 matches the published one. */
function downloads(
  name: string,
  releaseFor: typeof releaseOf,
  { hosts = OFFICIAL, stallMs = STALL_MS, largest = LARGEST, platform }: DownloadOptions,
): Source {
  return {
    name,
    async fetch(wanted, pathOf, progress) {
      const target = platform ?? platformName();
      const releases = wanted.flatMap((program) => {
        const release = releaseFor(program, target, hosts);
        return release === undefined ? [] : [{ program, release }];
      });
      const [first] = releases;
      let bytes = 0;
      const timer = setInterval(
        () => progress(`Downloaded ${Math.round(bytes / 1e6)} MB`, 'replaced'),
        PROGRESS_INTERVAL_MS,
      );
      // The connect timeout is short, so that a machine without internet access fails quickly.
      const agent = new Agent({ connectTimeout: 5_000, headersTimeout: stallMs, bodyTimeout: stallMs });
      const received = (length: number) => {
        bytes += length;
      };
      try {
        if (first !== undefined)
          await inWorkFolder(pathOf(first.program), async (work) => {
            const all = releases.map(async ({ program, release }) => {
              const verified = await download(release, { path: join(work, program), agent, received, largest });
              renameSync(verified, pathOf(program));
              progress(`Downloaded and verified ${program} (${name})`);
            });
            const failed = (await Promise.allSettled(all)).find(({ status }) => status === 'rejected');
            if (failed?.status === 'rejected') throw failed.reason;
          });
      } finally {
        clearInterval(timer);
        await agent.destroy();
      }
      const others = wanted.filter((program) => !releases.some((each) => each.program === program));
      if (others.length > 0) throw new Error(`${others.join(', ')} not published for ${target}`);
    },
  };
}

interface Destination {
  readonly path: string;
  readonly agent: Agent;
  readonly received: (length: number) => void;
  readonly largest: number;
}

/** Downloads and verifies a program, and returns its path. */
async function download({ url, checksum, inside }: Release, destination: Destination): Promise<string> {
  const { path, agent } = destination;
  const published = checksum.read(await text(checksum.url, agent));
  const digest = await save(url, destination);
  if (digest !== published) throw new Error(`${url} has SHA-256 ${digest}, but the published one is ${published}`);
  const program = inside === undefined ? path : await extract(path, inside, url);
  chmodSync(program, 0o755);
  return program;
}

async function get(url: string, agent: Agent) {
  const response = await fetch(url, { dispatcher: agent }).catch((error: unknown) => {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new Error(`${url} cannot be reached: ${messageOf(cause)}`, { cause: error });
  });
  if (!response.ok) throw new Error(`${url} returned HTTP ${response.status}`);
  return response;
}

async function text(url: string, agent: Agent): Promise<string> {
  const { body } = await get(url, agent);
  const chunks: Uint8Array[] = [];
  for await (const chunk of within(LARGEST_LIST, url, body ?? [])) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** @throws Error if there is more than the limit. */
async function* within(largest: number, url: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > largest) throw new Error(`${url} has more than ${largest} bytes`);
    yield chunk;
  }
}

/** Saves a body and returns its SHA-256, in hexadecimal. */
async function save(url: string, { path, agent, received, largest }: Destination): Promise<string> {
  const { body } = await get(url, agent);
  if (body === null) throw new Error(`${url} returned an empty response`);
  const hash = createHash('sha256');
  const hashed = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of within(largest, url, chunks)) {
      hash.update(chunk);
      received(chunk.length);
      yield chunk;
    }
  };
  await pipeline(Readable.fromWeb(body), hashed, createWriteStream(path)).catch((error: unknown) => {
    const why = messageOf(error);
    throw new Error(`The download of ${url} was interrupted: ${why}`, { cause: error });
  });
  return hash.digest('hex');
}

/** Extracts one file from a tar or zip archive, and returns its path. macOS and most Linux systems have both programs. */
async function extract(archive: string, inside: string, url: string): Promise<string> {
  const path = `${archive}.extracted`;
  const [tool, flags] = url.endsWith('.zip') ? ['unzip', ['-p']] : ['tar', ['-xzOf']];
  const program = spawn(tool, [...flags, archive, inside], { stdio: ['ignore', 'pipe', 'ignore'] });
  const failed = new Promise<never>((_, reject) =>
    program.once('error', (error) => reject(new Error(`${tool}: ${error.message}`))),
  );
  const code = new Promise<number | null>((resolve) => program.once('close', resolve));
  await Promise.race([pipeline(program.stdout, createWriteStream(path)), failed]);
  if ((await code) !== 0) throw new Error(`${tool} could not extract ${inside} from ${archive}`);
  return path;
}
