// Each file of a release names every image by the digest that was pushed.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { releaseOptionsFrom, writeRelease } from '../../infra/kubernetes/release.ts';
import { run } from './kubectl.ts';
import { manifestsIn, rendered, workloadsIn, type Manifest } from './rendered.ts';

const DIGESTS = { forwarder: `sha256:${'f'.repeat(64)}`, functions: `sha256:${'0'.repeat(64)}` };
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const CHART = `website-reconciler-${version}.tgz`;
let folder: string;
let release: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'release-'));
  release = join(folder, 'release');
  const flags = { repository: 'Owner/websites', registry: 'ghcr.io/owner', ...DIGESTS, output: release };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  writeRelease(releaseOptionsFrom(args), { kubectl: inject('kubectl'), helm: inject('helm') });
  mkdirSync(join(folder, 'kustomize'));
  execFileSync('tar', ['-xzf', join(release, 'kustomize.tar.gz'), '-C', join(folder, 'kustomize')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const imagesIn = (manifests: readonly Manifest[]): string[] => [
  ...new Set(workloadsIn(manifests).map(({ container }) => container.image)),
];
const helm = async (...args: string[]) => {
  const { code, stdout, stderr } = await run(inject('helm'), args);
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};

it('A release has exactly these files', () => {
  expect(readdirSync(release).toSorted()).toEqual(['install.yaml', 'kustomize.tar.gz', CHART, 'website.yaml']);
});

it('install.yaml has the objects of the overlay in-cluster, with images by digest', async () => {
  const manifests = manifestsIn(readFileSync(join(release, 'install.yaml'), 'utf8'));
  expect(imagesIn(manifests).toSorted()).toEqual([
    `ghcr.io/owner/website-forwarder@${DIGESTS.forwarder}`,
    `ghcr.io/owner/website-functions@${DIGESTS.functions}`,
  ]);
  const names = (each: readonly Manifest[]) => each.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
  expect(names(manifests)).toEqual(names(await rendered(inject('kubectl'), 'infra/kubernetes/overlays/in-cluster')));
});

it.each([
  'infra/kubernetes/overlays/in-cluster',
  'infra/kubernetes/overlays/namespaced',
  'infra/kubernetes/overlays/forwarder-only',
  'infra/knative/direct',
  'infra/knative/broker',
  'infra/knative/api-server-source',
])('kustomize.tar.gz has %s, with images by digest', async (overlay) => {
  const images = imagesIn(await rendered(inject('kubectl'), join(folder, 'kustomize', overlay)));
  expect(images.length).toBeGreaterThan(0);
  for (const image of images) expect(image).toMatch(/^ghcr\.io\/owner\/website-\w+@sha256:[0-9a-f]{64}$/);
});

it('The chart installs images by digest, and its annotations describe them to Artifact Hub', async () => {
  const chart = join(release, CHART);
  const forwarder = `ghcr.io/owner/website-forwarder:v${version}@${DIGESTS.forwarder}`;
  const functions = `ghcr.io/owner/website-functions:v${version}@${DIGESTS.functions}`;
  expect(imagesIn(manifestsIn(await helm('template', 'x', chart)))).toEqual([forwarder, functions]);
  const described = parse(await helm('show', 'chart', chart)) as { annotations: Record<string, string>; home: string };
  expect(described.home).toBe('https://github.com/Owner/websites');
  const parts = ['images', 'crds', 'crdsExamples', 'links'].map((name) => [
    name,
    parse(described.annotations[`artifacthub.io/${name}`] ?? '') as unknown,
  ]);
  expect(Object.fromEntries(parts)).toMatchObject({
    images: [
      { name: 'website-forwarder', image: forwarder.replace(`:v${version}`, '') },
      { name: 'website-functions', image: functions.replace(`:v${version}`, '') },
    ],
    crds: [{ kind: 'Website', version: 'v1', name: 'websites.stable.example.com' }],
    crdsExamples: [{ kind: 'Website', spec: { image: 'nginx:1.29' } }],
    links: [{ name: 'Documentation' }, { name: 'Verify the signatures' }],
  });
});

describe('The command line of the release', () => {
  const RIGHT = ['--repository=a/b', '--registry=ghcr.io/a', `--forwarder=${DIGESTS.forwarder}`, '--output=x'];
  it.each([
    ['a missing digest', [], '--functions must look like sha256: and 64 digits, but is missing'],
    ['a malformed digest', ['--functions=latest'], '--functions must look like sha256: and 64 digits, but is latest'],
    ['a registry in upper case', ['--registry=ghcr.io/Owner'], '--registry must look like ghcr.io/owner'],
  ])('refuses %s', (_, args, message) => {
    expect(() => releaseOptionsFrom([...RIGHT, ...args])).toThrow(message);
  });
});
