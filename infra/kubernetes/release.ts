// What a release has for Kubernetes: the CRD, the manifests and the chart, all of which name the images by the digests that were pushed.
//   node infra/kubernetes/release.ts --repository OWNER/NAME --registry ghcr.io/OWNER --forwarder sha256:... --functions sha256:... --output release
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseDocument, stringify } from 'yaml';
import { messageOf } from '../../functions/cluster/causes.ts';
import { cacheFolder, findBinaries } from '../local/binaries/binaries.ts';
import { officialReleases } from '../local/binaries/download.ts';
import { goBuild } from '../local/binaries/go-build.ts';
import { TOOLS } from '../local/binaries/versions.ts';
import { UsageError } from '../usage.ts';
import { artifactHubAnnotations } from './artifact-hub.ts';

export interface ReleaseOptions {
  /** On GitHub: `OWNER/NAME`. */
  readonly repository: string;
  /** Where the images are, without their names. */
  readonly registry: string;
  /** By the name of the image: `sha256:...`. */
  readonly digests: Readonly<Record<string, string>>;
  /** The folder that is written. */
  readonly output: string;
}

/** The folders that make up kustomize.tar.gz: everything that an overlay refers to, and nothing else. */
const FOLDERS = ['crds', 'infra/kubernetes', 'infra/knative', 'infra/azure/cluster'];
const IMAGES = 'infra/kubernetes/images/kustomization.yaml';
const OVERLAY = 'infra/kubernetes/overlays/in-cluster';
const CHART = 'infra/kubernetes';

/** Writes the files of a release. */
export function writeRelease(
  options: ReleaseOptions,
  tools: { readonly kubectl: string; readonly helm: string },
): void {
  const { output } = options;
  mkdirSync(output, { recursive: true });
  const copy = mkdtempSync(join(tmpdir(), 'release-'));
  try {
    for (const folder of FOLDERS) cpSync(folder, join(copy, folder), { recursive: true, filter: isNoProgram });
    writeFileSync(join(copy, IMAGES), imagesOf(options));
    cpSync('crds/website.yaml', join(output, 'website.yaml'));
    writeFileSync(join(output, 'install.yaml'), execFileSync(tools.kubectl, ['kustomize', join(copy, OVERLAY)]));
    execFileSync('tar', ['-czf', join(output, 'kustomize.tar.gz'), '-C', copy, 'crds', 'infra']);
    changeYaml(join(copy, CHART, 'values.yaml'), valuesOf(options));
    changeYaml(join(copy, CHART, 'Chart.yaml'), describedBy(options));
    execFileSync(tools.helm, ['package', join(copy, CHART), '--destination', output], { stdio: 'ignore' });
  } finally {
    rmSync(copy, { recursive: true });
  }
}

const isNoProgram = (path: string): boolean => !path.endsWith('.ts');

function imagesOf({ registry, digests }: ReleaseOptions): string {
  const images = Object.entries(digests).map(([name, digest]) => ({ name, newName: `${registry}/${name}`, digest }));
  return stringify({ apiVersion: 'kustomize.config.k8s.io/v1alpha1', kind: 'Component', images });
}

const valuesOf = ({ registry, digests }: ReleaseOptions): Changes => [
  [['image', 'registry'], registry],
  [['image', 'digests'], digests],
];

const describedBy = ({ repository, registry, digests }: ReleaseOptions): Changes => [
  [['home'], `https://github.com/${repository}`],
  [['sources'], [`https://github.com/${repository}`]],
  [['annotations'], artifactHubAnnotations({ repository, registry, digests })],
];

type Changes = readonly (readonly [path: readonly string[], value: unknown])[];

/** Keeps the comments. */
function changeYaml(file: string, changes: Changes): void {
  const document = parseDocument(readFileSync(file, 'utf8'));
  for (const [path, value] of changes) document.setIn(path, document.createNode(value));
  writeFileSync(file, document.toString({ lineWidth: 0 }));
}

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Reads the command line. @throws UsageError that names the flag. */
export function releaseOptionsFrom(args: readonly string[]): ReleaseOptions {
  const flag = { type: 'string' } as const;
  const options = { repository: flag, registry: flag, forwarder: flag, functions: flag, output: flag };
  const { values } = parseArgs({ args: [...args], options });
  const given = (name: keyof typeof options, form: RegExp, example: string): string => {
    const value = values[name] ?? '';
    if (form.test(value)) return value;
    throw new UsageError(`--${name} must look like ${example}, but is ${value === '' ? 'missing' : value}`);
  };
  return {
    repository: given('repository', /^[\w.-]+\/[\w.-]+$/, 'OWNER/NAME'),
    // A registry accepts only lower case.
    registry: given('registry', /^[a-z0-9.:_/-]+$/, 'ghcr.io/owner'),
    digests: {
      'website-forwarder': given('forwarder', DIGEST, 'sha256: and 64 digits'),
      'website-functions': given('functions', DIGEST, 'sha256: and 64 digits'),
    },
    output: given('output', /./, 'release'),
  };
}

if (import.meta.main) {
  try {
    const options = releaseOptionsFrom(process.argv.slice(2));
    const tools = await findBinaries({
      programs: TOOLS,
      assets: undefined,
      cache: cacheFolder(process.env),
      sources: [officialReleases(), goBuild()],
      progress: (line) => process.stderr.write(`${line}\n`),
    });
    writeRelease(options, tools);
  } catch (error) {
    process.stderr.write(`${basename(import.meta.filename)}: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
