import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, createWriteStream, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, fetch } from 'undici';
import { z } from 'zod';
import type { Source } from './binaries.ts';
import { ETCD, KUBERNETES, KWOK, type Program } from './versions.ts';
import { inWorkFolder } from './work-folder.ts';

/** Where the official releases are. */
export interface ReleaseHosts {
  readonly kubernetes: string;
  readonly github: string;
  readonly githubApi: string;
}

export const OFFICIAL: ReleaseHosts = {
  kubernetes: 'https://dl.k8s.io',
  github: 'https://github.com',
  githubApi: 'https://api.github.com',
};

/** One published file, and where its SHA-256 is published beside it. */
interface Release {
  readonly url: string;
  readonly checksum: () => Promise<string>;
  /** Path of the program inside, when the file is an archive. */
  readonly inside?: string;
}

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
      const received = (length: number) => void (bytes += length);
      try {
        await inWorkFolder(pathOf(first), async (work) => {
          const downloads = wanted.map(async (program) => {
            const verified = await download(releaseOf(program, platform, hosts, agent), {
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

/** Kubernetes publishes its servers for Linux alone. */
function platformName(): string {
  const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
  const architecture = architectures[process.arch];
  if (process.platform === 'linux' && architecture !== undefined) return `linux-${architecture}`;
  throw new Error(`there are none for ${process.platform} on ${process.arch}`);
}

function releaseOf(program: Program, platform: string, hosts: ReleaseHosts, agent: Agent): Release {
  if (program === 'etcd') {
    const folder = `etcd-${ETCD}-${platform}`;
    const base = `${hosts.github}/etcd-io/etcd/releases/download/${ETCD}`;
    const checksum = async () => lineFor(`${folder}.tar.gz`, await text(`${base}/SHA256SUMS`, agent));
    return { url: `${base}/${folder}.tar.gz`, checksum, inside: `${folder}/etcd` };
  }
  if (program === 'kwok') {
    const file = `kwok-${platform}`;
    return {
      url: `${hosts.github}/kubernetes-sigs/kwok/releases/download/${KWOK}/${file}`,
      checksum: async () =>
        digestOf(file, await text(`${hosts.githubApi}/repos/kubernetes-sigs/kwok/releases/tags/${KWOK}`, agent)),
    };
  }
  const url = `${hosts.kubernetes}/release/${KUBERNETES}/bin/${platform.replace('-', '/')}/${program}`;
  return { url, checksum: async () => (await text(`${url}.sha256`, agent)).trim() };
}

/** The line of a SHA256SUMS file. */
function lineFor(file: string, sums: string): string {
  const line = sums.split('\n').find((each) => each.trim().endsWith(file));
  if (line === undefined) throw new Error(`SHA256SUMS does not name ${file}`);
  return line.trim().split(/\s+/, 1)[0] ?? '';
}

const githubRelease = z.object({ assets: z.array(z.object({ name: z.string(), digest: z.string().nullish() })) });

/** KWOK publishes no checksum file; GitHub states the digest of every asset. */
function digestOf(file: string, body: string): string {
  const { assets } = githubRelease.parse(JSON.parse(body));
  const digest = assets.find(({ name }) => name === file)?.digest;
  if (!digest?.startsWith('sha256:')) throw new Error(`GitHub states no digest for ${file}`);
  return digest.slice('sha256:'.length);
}

interface Destination {
  readonly path: string;
  readonly agent: Agent;
  readonly received: (length: number) => void;
}

/** Returns where the verified program is. */
async function download({ url, checksum, inside }: Release, destination: Destination): Promise<string> {
  const { path } = destination;
  const published = await checksum();
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
