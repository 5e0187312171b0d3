import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { officialReleases, unofficialReleases } from '../../../infra/local/binaries/download.ts';
import { allSources } from '../../../infra/local/binaries/sources.ts';
import { platformName, releaseOf, type Release } from '../../../infra/local/binaries/releases.ts';
import { ETCD, HELM, KUBERNETES, KWOK, type Program } from '../../../infra/local/binaries/versions.ts';

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
const hosts = { kubernetes: 'http://k', github: 'http://g', githubApi: 'http://a', helm: 'http://h' };
const etcdFolder = `etcd-${ETCD}-linux-amd64`;

function published(program: Program, platform: string): Release {
  const release = releaseOf(program, platform, hosts);
  if (release === undefined) throw new Error(`${program} is not published for ${platform}`);
  return release;
}

describe('The published checksum', () => {
  it('of etcd is the line of its own platform in SHA256SUMS', () => {
    const { read } = published('etcd', 'linux-amd64').checksum;
    expect(read(`aaa  etcd-${ETCD}-linux-arm64.tar.gz\nbbb  ${etcdFolder}.tar.gz\n`)).toBe('bbb');
    expect(() => read('aaa  something.tar.gz\n')).toThrow(
      `The published checksums do not contain ${etcdFolder}.tar.gz`,
    );
  });

  it('of Helm is in a file beside its archive', () => {
    const { url, checksum, inside } = published('helm', 'linux-arm64');
    const file = `helm-${HELM}-linux-arm64.tar.gz`;
    expect([url, checksum.url, inside]).toEqual([`http://h/${file}`, `http://h/${file}.sha256sum`, 'linux-arm64/helm']);
    expect(checksum.read(`aaa  ${file}\n`)).toBe('aaa');
  });

  it("of KWOK is GitHub's digest, and a release without one is refused", () => {
    const { read } = published('kwok', 'linux-amd64').checksum;
    const asset = (digest: string | null) => JSON.stringify({ assets: [{ name: 'kwok-linux-amd64', digest }] });
    expect(read(asset('sha256:abc'))).toBe('abc');
    expect(() => read(asset(null))).toThrow('GitHub has no SHA-256 digest for kwok-linux-amd64');
    expect(() => read(JSON.stringify({ assets: [] }))).toThrow('GitHub has no SHA-256 digest');
  });
});

describe.runIf(process.platform === 'linux')('Releases', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'releases-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('in an archive or as a plain program are verified and stored', async () => {
    const platform = `linux-${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;
    const program = join(folder, `etcd-${ETCD}-${platform}`, 'etcd');
    mkdirSync(dirname(program));
    writeFileSync(program, 'the program');
    execFileSync('tar', ['-czf', 'etcd.tar.gz', `etcd-${ETCD}-${platform}`], { cwd: folder });
    const archive = readFileSync(join(folder, 'etcd.tar.gz'));
    const kwok = 'another program';
    const files: Record<string, Buffer | string> = {
      [`/etcd-io/etcd/releases/download/${ETCD}/etcd-${ETCD}-${platform}.tar.gz`]: archive,
      [`/etcd-io/etcd/releases/download/${ETCD}/SHA256SUMS`]: `${sha256(archive)}  etcd-${ETCD}-${platform}.tar.gz\n`,
      [`/kubernetes-sigs/kwok/releases/download/${KWOK}/kwok-${platform}`]: kwok,
      [`/repos/kubernetes-sigs/kwok/releases/tags/${KWOK}`]: JSON.stringify({
        assets: [{ name: `kwok-${platform}`, digest: `sha256:${sha256(kwok)}` }],
      }),
    };
    const cache = join(folder, 'cache');
    await serving(files, (served) =>
      officialReleases({ hosts: served }).fetch(
        ['etcd', 'kwok'],
        (each) => join(cache, each),
        () => {},
      ),
    );
    expect(readdirSync(cache).toSorted()).toEqual(['etcd', 'kwok']);
    expect(readFileSync(join(cache, 'etcd'), 'utf8')).toBe('the program');
    expect(readFileSync(join(cache, 'kwok'), 'utf8')).toBe(kwok);
  });

  /** Files as they are published for a Mac. */
  const DARWIN = 'darwin-arm64';
  const SERVERS: readonly Program[] = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
  const TAG = `${KUBERNETES}-kwok.0-${DARWIN}`;
  const builds = (digestOf: (program: Program) => string): Record<string, string> => ({
    ...Object.fromEntries(SERVERS.map((each) => [`/kwok-ci/k8s/releases/download/${TAG}/${each}`, `a ${each}`])),
    [`/repos/kwok-ci/k8s/releases/tags/${TAG}`]: JSON.stringify({
      assets: SERVERS.map((name) => ({ name, digest: `sha256:${digestOf(name)}` })),
    }),
  });

  it('for a Mac are official if they exist, and otherwise unofficial, which the log says', async () => {
    const inside = `etcd-${ETCD}-${DARWIN}`;
    mkdirSync(join(folder, inside));
    writeFileSync(join(folder, inside, 'etcd'), 'an etcd');
    execFileSync('python3', ['-m', 'zipfile', '-c', 'etcd.zip', inside], { cwd: folder });
    const archive = readFileSync(join(folder, 'etcd.zip'));
    const files = {
      ...builds((program) => sha256(`a ${program}`)),
      [`/etcd-io/etcd/releases/download/${ETCD}/${inside}.zip`]: archive,
      [`/etcd-io/etcd/releases/download/${ETCD}/SHA256SUMS`]: `${sha256(archive)}  ${inside}.zip\n`,
    };
    const cache = join(folder, 'cache');
    const lines: string[] = [];
    const pathOf = (program: Program) => join(cache, program);
    await serving(files, async (served) => {
      const options = { hosts: served, platform: DARWIN };
      await expect(
        officialReleases(options).fetch(['etcd', ...SERVERS], pathOf, (line) => lines.push(line)),
      ).rejects.toThrow('kube-apiserver, kube-controller-manager, kube-scheduler not published for darwin-arm64');
      await unofficialReleases(options).fetch(SERVERS, pathOf, (line) => lines.push(line));
    });
    expect(readFileSync(join(cache, 'etcd'), 'utf8')).toBe('an etcd');
    expect(readFileSync(join(cache, 'kube-apiserver'), 'utf8')).toBe('a kube-apiserver');
    expect(lines).toContain('Downloaded and verified etcd (official releases)');
    expect(lines).toContain('Downloaded and verified kube-apiserver (unofficial builds of kwok-ci/k8s)');
  });

  it("that are unofficial are kept only with GitHub's digest", async () => {
    const cache = join(folder, 'cache');
    const fetched = serving(
      builds(() => sha256('something else')),
      (served) =>
        unofficialReleases({ hosts: served, platform: DARWIN }).fetch(
          SERVERS,
          (program) => join(cache, program),
          () => {},
        ),
    );
    await expect(fetched).rejects.toThrow(/has SHA-256 .*, but the published one is/);
    expect(readdirSync(cache)).toEqual([]);
  });

  it.each([
    ['whose checksums are too large', { list: 'x'.repeat(1_048_577) }, {}, /\/tags\/\S+ has more than 1048576 bytes/],
    ['that is too large', {}, { largest: 10 }, /\/kube-apiserver has more than 10 bytes/],
  ])('%s is not kept', async (_, { list }: { list?: string }, limits, words) => {
    const cache = join(folder, 'cache');
    const files = builds((program) => sha256(`a ${program}`));
    if (list !== undefined) files[`/repos/kwok-ci/k8s/releases/tags/${TAG}`] = list;
    const fetched = serving(files, (served) =>
      unofficialReleases({ hosts: served, platform: DARWIN, ...limits }).fetch(
        SERVERS,
        (program) => join(cache, program),
        () => {},
      ),
    );
    await expect(fetched).rejects.toThrow(words);
    expect(readdirSync(cache)).toEqual([]);
  });

  async function serving<T>(
    files: Readonly<Record<string, Buffer | string>>,
    work: (served: typeof hosts) => Promise<T>,
  ): Promise<T> {
    mkdirSync(join(folder, 'cache'));
    const server = createServer(({ url = '' }, response) =>
      files[url] === undefined ? response.writeHead(404).end() : response.end(files[url]),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      return await work({ kubernetes: host, github: host, githubApi: host, helm: host });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
});

it.each([
  ['linux', ['official releases', 'Go build']],
  ['darwin', ['official releases', 'unofficial builds of kwok-ci/k8s', 'Go build']],
] as const)('On %s, the sources are %j, in this order', (platform, names) => {
  expect(allSources(platform).map(({ name }) => name)).toEqual(names);
});

it('The error about a platform without releases names it', () => {
  expect(platformName('darwin', 'arm64')).toBe('darwin-arm64');
  expect(() => platformName('freebsd', 'x64')).toThrow('not published for freebsd on x64');
});
