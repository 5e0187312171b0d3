import * as z from 'zod';
import { ETCD, HELM, KUBERNETES, KWOK, type Program } from './versions.ts';

/** Base URLs of the official releases. */
export interface ReleaseHosts {
  readonly kubernetes: string;
  readonly github: string;
  readonly githubApi: string;
  readonly helm: string;
}

export const OFFICIAL: ReleaseHosts = {
  kubernetes: 'https://dl.k8s.io',
  github: 'https://github.com',
  githubApi: 'https://api.github.com',
  helm: 'https://get.helm.sh',
};

/** One published file, and where its SHA-256 is published. */
export interface Release {
  readonly url: string;
  readonly checksum: { readonly url: string; readonly read: (body: string) => string };
  /** Path of the program inside the archive. Absent if the file is the program itself. */
  readonly inside?: string;
}

/** For example `darwin-arm64`. @throws Error for systems that no release is published for. */
export function platformName(platform: NodeJS.Platform = process.platform, arch = process.arch): string {
  const architectures: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
  const architecture = architectures[arch];
  if ((platform === 'linux' || platform === 'darwin') && architecture !== undefined)
    return `${platform}-${architecture}`;
  throw new Error(`not published for ${platform} on ${arch}`);
}

/** Kubernetes publishes its servers for Linux only. */
const SERVERS = new Set<Program>(['kube-apiserver', 'kube-controller-manager', 'kube-scheduler']);

/** The builds that KWOK's own kwokctl uses for systems that Kubernetes publishes no servers for. */
export function unofficialReleaseOf(program: Program, platform: string, hosts: ReleaseHosts): Release | undefined {
  if (!SERVERS.has(program) || platform.startsWith('linux')) return undefined;
  const tag = `${KUBERNETES}-kwok.0-${platform}`;
  return {
    url: `${hosts.github}/kwok-ci/k8s/releases/download/${tag}/${program}`,
    checksum: {
      url: `${hosts.githubApi}/repos/kwok-ci/k8s/releases/tags/${tag}`,
      read: (body) => digestOf(program, body),
    },
  };
}

/** The official release, if one is published for this platform. */
export function releaseOf(program: Program, platform: string, hosts: ReleaseHosts): Release | undefined {
  if (SERVERS.has(program) && !platform.startsWith('linux')) return undefined;
  if (program === 'etcd') {
    const folder = `etcd-${ETCD}-${platform}`;
    const base = `${hosts.github}/etcd-io/etcd/releases/download/${ETCD}`;
    const file = `${folder}.${platform.startsWith('linux') ? 'tar.gz' : 'zip'}`;
    const read = (sums: string) => lineFor(file, sums);
    return { url: `${base}/${file}`, checksum: { url: `${base}/SHA256SUMS`, read }, inside: `${folder}/etcd` };
  }
  if (program === 'kwok') {
    const file = `kwok-${platform}`;
    return {
      url: `${hosts.github}/kubernetes-sigs/kwok/releases/download/${KWOK}/${file}`,
      checksum: {
        url: `${hosts.githubApi}/repos/kubernetes-sigs/kwok/releases/tags/${KWOK}`,
        read: (body) => digestOf(file, body),
      },
    };
  }
  if (program === 'helm') {
    const file = `helm-${HELM}-${platform}.tar.gz`;
    const url = `${hosts.helm}/${file}`;
    return {
      url,
      checksum: { url: `${url}.sha256sum`, read: (sum) => lineFor(file, sum) },
      inside: `${platform}/helm`,
    };
  }
  const url = `${hosts.kubernetes}/release/${KUBERNETES}/bin/${platform.replace('-', '/')}/${program}`;
  return { url, checksum: { url: `${url}.sha256`, read: (sum) => sum.trim() } };
}

/** The checksum of one file in a list of checksums. */
function lineFor(file: string, sums: string): string {
  const line = sums.split('\n').find((each) => each.trim().endsWith(file));
  if (line === undefined) throw new Error(`The published checksums do not contain ${file}`);
  return line.trim().split(/\s+/, 1)[0] ?? '';
}

const githubRelease = z.object({ assets: z.array(z.object({ name: z.string(), digest: z.string().nullish() })) });

/** KWOK publishes no checksum file, so we use the digest that GitHub records for each asset. */
function digestOf(file: string, body: string): string {
  const { assets } = githubRelease.parse(JSON.parse(body));
  const digest = assets.find(({ name }) => name === file)?.digest;
  if (!digest?.startsWith('sha256:')) throw new Error(`GitHub has no SHA-256 digest for ${file}`);
  return digest.slice('sha256:'.length);
}
