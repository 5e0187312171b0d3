import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { officialReleases } from '../../../infra/local/binaries/download.ts';
import { releaseOf } from '../../../infra/local/binaries/releases.ts';
import { ETCD, HELM, KWOK } from '../../../infra/local/binaries/versions.ts';

const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');
const hosts = { kubernetes: 'http://k', github: 'http://g', githubApi: 'http://a', helm: 'http://h' };
const etcdFolder = `etcd-${ETCD}-linux-amd64`;

describe('The published checksum', () => {
  it('of etcd is its line of SHA256SUMS, and not the line of another platform', () => {
    const { read } = releaseOf('etcd', 'linux-amd64', hosts).checksum;
    expect(read(`aaa  etcd-${ETCD}-linux-arm64.tar.gz\nbbb  ${etcdFolder}.tar.gz\n`)).toBe('bbb');
    expect(() => read('aaa  something.tar.gz\n')).toThrow(
      `The published checksums do not contain ${etcdFolder}.tar.gz`,
    );
  });

  it('of Helm is the line beside its archive', () => {
    const { url, checksum, inside } = releaseOf('helm', 'linux-arm64', hosts);
    const file = `helm-${HELM}-linux-arm64.tar.gz`;
    expect([url, checksum.url, inside]).toEqual([`http://h/${file}`, `http://h/${file}.sha256sum`, 'linux-arm64/helm']);
    expect(checksum.read(`aaa  ${file}\n`)).toBe('aaa');
  });

  it('of KWOK is the digest that GitHub states, and nothing is trusted without one', () => {
    const { read } = releaseOf('kwok', 'linux-amd64', hosts).checksum;
    const asset = (digest: string | null) => JSON.stringify({ assets: [{ name: 'kwok-linux-amd64', digest }] });
    expect(read(asset('sha256:abc'))).toBe('abc');
    expect(() => read(asset(null))).toThrow('GitHub has no SHA-256 digest for kwok-linux-amd64');
    expect(() => read(JSON.stringify({ assets: [] }))).toThrow('GitHub has no SHA-256 digest');
  });
});

describe.runIf(process.platform === 'linux')('Releases of other forms', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'releases-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('are taken out of their archive, and checked like the rest', async () => {
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
    const server = createServer(({ url = '' }, response) => response.end(files[url]));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cache = join(folder, 'cache');
    mkdirSync(cache);
    try {
      const source = officialReleases({ kubernetes: host, github: host, githubApi: host, helm: host });
      await source.fetch(
        ['etcd', 'kwok'],
        (each) => join(cache, each),
        () => {},
      );
    } finally {
      server.closeAllConnections();
      server.close();
    }
    expect(readdirSync(cache).toSorted()).toEqual(['etcd', 'kwok']);
    expect(readFileSync(join(cache, 'etcd'), 'utf8')).toBe('the program');
    expect(readFileSync(join(cache, 'kwok'), 'utf8')).toBe(kwok);
  });
});
