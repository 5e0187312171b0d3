import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder, findBinaries, type Source } from '../../../infra/local/binaries/binaries.ts';
import { officialReleases } from '../../../infra/local/binaries/download.ts';
import { goBuild } from '../../../infra/local/binaries/go-build.ts';
import { KUBERNETES, PROGRAMS, versionOf, type Program } from '../../../infra/local/binaries/versions.ts';

let folder: string;
let cache: string;
const lines: string[] = [];
const progress = (line: string) => void lines.push(line);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'binaries-'));
  cache = join(folder, 'cache');
  lines.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
}
const source = (name: string, has: readonly Program[]): Source & { asked: Program[][] } => ({
  name,
  asked: [],
  async fetch(wanted, pathOf) {
    this.asked.push([...wanted]);
    for (const program of wanted.filter((each) => has.includes(each))) put(pathOf(program));
    if (wanted.some((each) => !has.includes(each))) throw new Error(`${name} has not all of them`);
  },
});

describe('The programs of the control plane', () => {
  it('are taken from KUBEBUILDER_ASSETS, then from the cache, and each source is asked for the ones still missing', async () => {
    const assets = join(folder, 'assets');
    put(join(assets, 'etcd'));
    put(join(cache, `kwok-${versionOf('kwok')}`));
    const first = source('first', ['kube-apiserver']);
    const second = source('second', PROGRAMS);
    const found = await findBinaries({ assets, cache, sources: [first, second], progress });
    expect(found.etcd).toBe(join(assets, 'etcd'));
    expect(found.kwok).toBe(join(cache, `kwok-${versionOf('kwok')}`));
    expect(first.asked).toEqual([['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']]);
    expect(second.asked).toEqual([['kube-controller-manager', 'kube-scheduler']]);
  });

  it('are not searched for again once all are in the cache', async () => {
    const only = source('only', PROGRAMS);
    await findBinaries({ assets: undefined, cache, sources: [only], progress });
    await findBinaries({ assets: undefined, cache, sources: [only], progress });
    expect(only.asked).toHaveLength(1);
    expect(lines.at(-1)).toContain('in the cache');
  });

  it('lead to one error that lists the ways out if no source has them', async () => {
    const search = findBinaries({ assets: undefined, cache, sources: [source('nothing', ['etcd'])], progress });
    await expect(search).rejects.toThrow(
      /Could not get kube-apiserver, .*kwok:\n {2}- nothing: .*\n.*\n.*KUBEBUILDER_ASSETS.*\n.*dl\.k8s\.io.*\n.*Go 1\.26/,
    );
  });

  it('lead to an error that first mentions the full disk', async () => {
    const full: Source = { name: 'full', fetch: () => Promise.reject(new Error('ENOSPC: no space left on device')) };
    const search = findBinaries({ assets: undefined, cache, sources: [full], progress });
    await expect(search).rejects.toThrow(/\n {2}1\. free some space on the disk of .*XDG_CACHE_HOME/);
  });

  it('lead to an error that names XDG_CACHE_HOME if the cache cannot be written', async () => {
    const search = findBinaries({
      assets: undefined,
      cache: '/dev/null/cache',
      sources: [source('any', [])],
      progress,
    });
    await expect(search).rejects.toThrow(/^The cache \/dev\/null\/cache cannot be written .*: set XDG_CACHE_HOME/);
  });

  it('are taken from the sources if KUBEBUILDER_ASSETS is empty', async () => {
    const only = source('only', PROGRAMS);
    await findBinaries({ assets: '', cache, sources: [only], progress });
    expect(only.asked).toEqual([[...PROGRAMS]]);
  });

  it('are named in the log if KUBEBUILDER_ASSETS lacks them', async () => {
    const assets = join(folder, 'assets');
    put(join(assets, 'etcd'));
    await findBinaries({ assets, cache, sources: [source('rest', PROGRAMS)], progress });
    expect(lines).toContain(
      `Did not find kube-apiserver, kube-controller-manager, kube-scheduler, kwok in KUBEBUILDER_ASSETS (${assets})`,
    );
  });

  it('lead to an error if KUBEBUILDER_ASSETS names a missing folder', async () => {
    const search = findBinaries({ assets: '/nowhere', cache, sources: [], progress });
    await expect(search).rejects.toThrow('KUBEBUILDER_ASSETS names /nowhere');
  });

  it('are not built without Go, and a failed build leaves nothing in the cache', async () => {
    const variables = { PATH: folder };
    const search = findBinaries({ assets: undefined, cache, sources: [goBuild(variables)], progress });
    await expect(search).rejects.toThrow('Go build: Go is not installed');
    expect(readdirSync(cache)).toEqual([]);
  });

  it('leave nothing in the cache when their build is killed', async () => {
    writeFileSync(join(folder, 'go'), '#!/bin/sh\necho half > "$7/server"\nkill -9 $$\n', {
      mode: 0o755,
    });
    const search = findBinaries({
      assets: undefined,
      cache,
      sources: [goBuild({ PATH: `${folder}:/bin:/usr/bin` })],
      progress,
    });
    const failure = await search.catch((error: Error) => error.message);
    expect(failure).toContain('go build failed with exit code');
    expect(failure).not.toContain('install Go');
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('A download', () => {
  const content = Buffer.from('#!/bin/sh\necho a program\n');
  const sum = createHash('sha256').update(content).digest('hex');
  const wanted: Program[] = ['kube-scheduler'];
  const pathOf = (program: Program) => join(cache, program);

  async function from(listener: RequestListener, stallMs?: number): Promise<void> {
    mkdirSync(cache);
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      await officialReleases({
        hosts: { kubernetes: host, github: host, githubApi: host, helm: host },
        ...(stallMs === undefined ? {} : { stallMs }),
      }).fetch(wanted, pathOf, progress);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
  const program =
    (answer: RequestListener): RequestListener =>
    (request, response) => {
      if (request.url?.endsWith('.sha256')) response.end(sum);
      else answer(request, response);
    };

  it('with the published checksum is kept and can be run', async () => {
    const urls: (string | undefined)[] = [];
    await from(
      program((request, response) => {
        urls.push(request.url);
        response.end(content);
      }),
    );
    expect(readFileSync(pathOf('kube-scheduler'))).toEqual(content);
    expect(urls[0]).toMatch(new RegExp(`^/release/${KUBERNETES}/bin/linux/(amd64|arm64)/kube-scheduler$`));
    expect(readdirSync(cache)).toEqual(['kube-scheduler']);
  });

  it.each<[string, RequestListener, RegExp]>([
    ['with another checksum', (_, response) => response.end('evil'), /has SHA-256 .*, but the published one is /],
    ['that does not exist', (_, response) => response.writeHead(404).end(), /returned HTTP 404/],
    [
      'that breaks off',
      (_, response) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 5), () => response.destroy());
      },
      /was interrupted/,
    ],
    [
      'that stalls',
      (_, response) => {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 5));
      },
      /was interrupted/,
    ],
  ])('%s is discarded', async (_, answer, message) => {
    await expect(from(program(answer), 200)).rejects.toThrow(message);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('from an unreachable host fails with an error that names the host', async () => {
    mkdirSync(cache);
    const nowhere = 'http://127.0.0.1:1';
    const releases = officialReleases({
      hosts: { kubernetes: nowhere, github: nowhere, githubApi: nowhere, helm: nowhere },
    });
    await expect(releases.fetch(wanted, pathOf, progress)).rejects.toThrow('127.0.0.1:1');
    expect(existsSync(pathOf('kube-scheduler'))).toBe(false);
  });
});

it.each([
  [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, 'linux', '/x/website-reconciler'],
  [{ HOME: '/h' }, 'linux', '/h/.cache/website-reconciler'],
  [{ XDG_CACHE_HOME: '', HOME: '/h' }, 'linux', '/h/.cache/website-reconciler'],
  [{ HOME: '/h' }, 'darwin', '/h/Library/Caches/website-reconciler'],
] as const)('With %j on %s, the cache is %s', (variables, platform, path) => {
  expect(cacheFolder(variables, platform)).toBe(path);
});
