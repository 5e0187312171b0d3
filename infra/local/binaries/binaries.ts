import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { isFullDisk } from '../full-disk.ts';
import { makeFolder } from '../make-folder.ts';
import { isExecutable } from './executable.ts';
import { PROGRAMS, versionOf, type ControlPlaneProgram, type Program } from './versions.ts';

/** Shows a line of progress to the user. A line that is `replaced` is of interest only until the next one. */
export type Progress = (line: string, lifetime?: 'kept' | 'replaced') => void;

/** A way to get missing programs. It writes each program to its path atomically. */
export interface Source {
  /** For progress and errors, for example `official releases` or `Go build`. */
  readonly name: string;
  /** @throws Error with a message for the user if it cannot get all of them. It keeps those that it got. */
  fetch(wanted: readonly Program[], pathOf: (program: Program) => string, progress: Progress): Promise<void>;
}

export interface Search<Wanted extends Program = ControlPlaneProgram> {
  /** All programs of the control plane when absent. */
  readonly programs?: readonly Wanted[];
  /** The value of `KUBEBUILDER_ASSETS`. */
  readonly assets: string | undefined;
  readonly cache: string;
  readonly sources: readonly Source[];
  readonly progress: Progress;
}

/** Some programs are missing. The message says why each source failed, and what the user can do. */
export class MissingBinariesError extends Error {
  override readonly name = 'MissingBinariesError';
}

/**
 * Finds the programs of the control plane: in the folder of `KUBEBUILDER_ASSETS`, then in the cache. Then it asks each source in
 * turn for the programs that are still missing.
 * @throws MissingBinariesError
 */
export async function findBinaries<Wanted extends Program = ControlPlaneProgram>({
  programs = PROGRAMS as readonly Program[] as readonly Wanted[],
  assets,
  cache,
  sources,
  progress,
}: Search<Wanted>): Promise<Readonly<Record<Wanted, string>>> {
  const cached = (program: Program): string => join(cache, `${program}-${versionOf(program)}`);
  const found = new Map<Program, string>();
  const look = (pathOf: (program: Program) => string, where: string) => {
    const here = missing().filter((program) => isExecutable(pathOf(program)));
    for (const program of here) found.set(program, pathOf(program));
    if (here.length > 0) progress(`Found ${here.join(', ')} in ${where}`, 'replaced');
  };
  const missing = () => programs.filter((program) => !found.has(program));

  if (isSet(assets)) {
    if (!existsSync(assets)) throw new MissingBinariesError(`KUBEBUILDER_ASSETS names ${assets}, which does not exist`);
    look((program) => join(assets, program), `KUBEBUILDER_ASSETS (${assets})`);
    if (missing().length > 0) progress(`Did not find ${missing().join(', ')} in KUBEBUILDER_ASSETS (${assets})`);
  }
  look(cached, `the cache (${cache})`);
  const failures: string[] = [];
  for (const source of sources) {
    if (missing().length === 0) break;
    makeCache(cache);
    progress(`Trying ${source.name} for ${missing().join(', ')}`, 'replaced');
    await source.fetch(missing(), cached, progress).catch((error: unknown) => {
      const why = messageOf(error);
      failures.push(`${source.name}: ${why}`);
      progress(`${source.name}: ${why}`);
    });
    look(cached, source.name);
  }
  if (missing().length > 0) throw new MissingBinariesError(missingMessage(missing(), failures, cache));
  return Object.fromEntries(found) as Record<Wanted, string>;
}

/** An empty variable counts as unset. */
const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

/** @throws MissingBinariesError that names the variable that chooses another folder. */
function makeCache(cache: string): void {
  try {
    makeFolder(cache);
    accessSync(cache, constants.W_OK);
  } catch (error) {
    const why = messageOf(error);
    throw new MissingBinariesError(
      `The cache ${cache} cannot be written (${why}): set XDG_CACHE_HOME to a folder with 1 GB of free space`,
      { cause: error },
    );
  }
}

function missingMessage(missing: readonly Program[], failures: readonly string[], cache: string): string {
  const isFull = failures.some(isFullDisk);
  const hasGo = failures.some((failure) => failure.includes('go build failed'));
  const ways = [
    ...(isFull ? [`free some space on the disk of ${cache}, or set XDG_CACHE_HOME to a folder on another disk`] : []),
    'set KUBEBUILDER_ASSETS to a folder that contains the programs',
    'allow access to dl.k8s.io, github.com and get.helm.sh, to download the official releases',
    ...(hasGo ? [] : ['install Go 1.26 or newer (https://go.dev/dl), to build the programs from source']),
  ];
  return [
    `Could not get ${missing.join(', ')}:`,
    ...failures.map((failure) => `  - ${failure}`),
    'Do one of the following:',
    ...ways.map((way, index) => `  ${index + 1}. ${way}`),
  ].join('\n');
}

/** The project's folder in the platform's cache directory. */
export function cacheFolder(
  variables: Readonly<Record<string, string | undefined>>,
  platform = process.platform,
): string {
  const set = (name: string) => (isSet(variables[name]) ? variables[name] : undefined);
  const home = set('HOME') ?? homedir();
  const caches: Partial<Record<NodeJS.Platform, string>> = {
    darwin: join(home, 'Library', 'Caches'),
    win32: set('LOCALAPPDATA') ?? join(home, 'AppData', 'Local'),
  };
  return join(set('XDG_CACHE_HOME') ?? caches[platform] ?? join(home, '.cache'), 'website-reconciler');
}
