import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { PROGRAMS, versionOf, type ControlPlaneProgram, type Program } from './versions.ts';

/** Tells the user what is going on, a line at a time. */
export type Progress = (line: string) => void;

/** A way to get programs that are not there yet: puts each under the path that it is given, whole or not at all. */
export interface Source {
  /** `official releases`, `Go build`: for progress and errors. */
  readonly name: string;
  /** @throws Error in words for people when one of them cannot be had; those that could be stay. */
  fetch(wanted: readonly Program[], pathOf: (program: Program) => string, progress: Progress): Promise<void>;
}

export interface Search<Wanted extends Program = ControlPlaneProgram> {
  /** Those of the control plane when absent. */
  readonly programs?: readonly Wanted[];
  /** The folder that `KUBEBUILDER_ASSETS` names, when it is set. */
  readonly assets: string | undefined;
  readonly cache: string;
  readonly sources: readonly Source[];
  readonly progress: Progress;
}

/** No way led to the programs: the message names the ways out. */
export class MissingBinariesError extends Error {
  override readonly name = 'MissingBinariesError';
}

/**
 * Finds the programs of the control plane: in the folder of `KUBEBUILDER_ASSETS`, in the cache, and then by the sources, in
 * their order, each for what is still missing.
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
    if (here.length > 0) progress(`Found ${here.join(', ')} in ${where}`);
  };
  const missing = () => programs.filter((program) => !found.has(program));

  if (isSet(assets)) {
    if (!existsSync(assets)) throw new MissingBinariesError(`KUBEBUILDER_ASSETS names ${assets}, which is not there`);
    look((program) => join(assets, program), `KUBEBUILDER_ASSETS (${assets})`);
    if (missing().length > 0) progress(`KUBEBUILDER_ASSETS (${assets}) has no ${missing().join(', ')}`);
  }
  look(cached, `the cache (${cache})`);
  const failures: string[] = [];
  for (const source of sources) {
    if (missing().length === 0) break;
    mkdirSync(cache, { recursive: true });
    progress(`Getting ${missing().join(', ')}: ${source.name}`);
    await source.fetch(missing(), cached, progress).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      failures.push(`${source.name}: ${why}`);
      progress(`${source.name}: ${why}`);
    });
    look(cached, source.name);
  }
  if (missing().length > 0) throw new MissingBinariesError(waysOut(missing(), failures));
  return Object.fromEntries(found) as Record<Wanted, string>;
}

/** A variable that is set to nothing counts as not set. */
const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';

function waysOut(missing: readonly Program[], failures: readonly string[]): string {
  return [
    `This machine needs ${missing.join(', ')}, and no way led there:`,
    ...failures.map((failure) => `  - ${failure}`),
    'Any one of these helps:',
    '  1. set KUBEBUILDER_ASSETS to a folder that holds the programs',
    '  2. give this machine a way to dl.k8s.io, github.com and get.helm.sh, for the official releases',
    '  3. install Go 1.26 or newer (https://go.dev/dl), for a build from source',
  ].join('\n');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The project's folder in the place that the platform has for caches. */
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
