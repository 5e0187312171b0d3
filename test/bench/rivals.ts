// Programs that do the same job another way. Each is built from its source, which is beside this file, where the machine can.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheFolder } from '../../infra/local/binaries/binaries.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { defineWebsite, kroCommand, kroSteps } from './kro.ts';
import { progress } from './measure.ts';

export const RIVALS = ['controller-runtime-32', 'kube-rs-32', 'kro', 'kopf'] as const;

export interface Rival {
  readonly name: (typeof RIVALS)[number];
  /** What runs it; KUBECONFIG says where. */
  readonly command: readonly string[];
  /** What it needs in the cluster before it starts. */
  readonly prepare?: (transport: Transport) => Promise<void>;
}

/** How a folder of sources becomes programs. */
interface Build {
  readonly folder: 'go' | 'kube-rs' | 'kro' | 'kopf';
  /** Commands to be run one after another in the folder of the sources. */
  readonly steps: (output: string) => readonly (readonly [string, ...string[]])[];
}

const GO: Build = {
  folder: 'go',
  steps: (output) => [['go', 'build', '-trimpath', '-o', `${output}/`, './controller-runtime', './ceiling']],
};
const RUST: Build = {
  folder: 'kube-rs',
  steps: (output) => [['cargo', 'build', '--release', '--locked', '--target-dir', output]],
};
const PYTHON: Build = {
  folder: 'kopf',
  steps: (output) => [
    ['python3', '-m', 'venv', output],
    [`${output}/bin/pip`, 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt'],
  ],
};

const KRO: Build = { folder: 'kro', steps: kroSteps };

const BUILDS: Readonly<Record<Rival['name'], readonly [Build, (output: string) => readonly string[]]>> = {
  'controller-runtime-32': [GO, (output) => [`${output}/controller-runtime`, '-workers', '32']],
  'kube-rs-32': [RUST, (output) => [`${output}/release/website-kube-rs`, '32']],
  kro: [KRO, kroCommand],
  kopf: [PYTHON, (output) => [`${output}/bin/kopf`, 'run', '-A', '--quiet', join(sourceOf(PYTHON), 'website.py')]],
};

/** Builds those rivals that this machine can build, once for each state of their sources; says of the others why not. */
export async function buildRivals(names: readonly string[]): Promise<Rival[]> {
  const rivals: Rival[] = [];
  for (const name of RIVALS.filter((each) => names.includes(each))) {
    const [build, commandIn] = BUILDS[name];
    const output = await built(build);
    if (output === undefined) continue;
    const command = commandIn(output);
    rivals.push(
      name === 'kro' ? { name, command, prepare: (transport) => defineWebsite(transport, output) } : { name, command },
    );
  }
  return rivals;
}

/** Builds the load generator that makes the writes with no controller. @returns its file; nothing without Go. */
export async function buildCeiling(): Promise<string | undefined> {
  const output = await built(GO);
  return output === undefined ? undefined : `${output}/ceiling`;
}

/** @returns the folder of what was built, in the cache; nothing where it could not be. */
async function built(build: Build): Promise<string | undefined> {
  const source = sourceOf(build);
  const output = join(cacheFolder(process.env), 'bench', `${build.folder}-${printOf(source)}`);
  if (existsSync(join(output, DONE))) return output;
  progress(`Building ${build.folder}, which takes minutes the first time`);
  mkdirSync(output, { recursive: true });
  try {
    for (const [file, ...args] of build.steps(output)) await promisify(execFile)(file, args, { cwd: source });
    // Two benchmarks may have built the same at once.
    mkdirSync(join(output, DONE), { recursive: true });
    return output;
  } catch (error) {
    rmSync(output, { recursive: true });
    const { stderr = '', message } = error as Error & { stderr?: string };
    const why = stderr.trim().split('\n').slice(-5).join('\n') || message;
    progress(`Leaving out ${build.folder}, which cannot be built here: ${why}`);
    return undefined;
  }
}

/** In a folder that was built to the end. */
const DONE = '.done';

const sourceOf = ({ folder }: Build): string => fileURLToPath(new URL(`rivals/${folder}`, import.meta.url));

function printOf(folder: string): string {
  const hash = createHash('sha256');
  for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) hash.update(`${file.name}\n`).update(readFileSync(join(file.parentPath, file.name)));
  }
  return hash.digest('hex').slice(0, 12);
}
