import { cacheFolder, findBinaries } from '../infra/local/binaries/binaries.ts';
import { plainProgress } from '../infra/local/binaries/progress.ts';
import { allSources } from '../infra/local/binaries/sources.ts';
import type { Program } from '../infra/local/binaries/versions.ts';

/** Where the programs are. Those that are missing are downloaded or built, as `npm start` does it. */
export const found = <Wanted extends Program>(programs: readonly Wanted[]): Promise<Readonly<Record<Wanted, string>>> =>
  findBinaries({
    programs,
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: allSources(),
    progress: plainProgress((line) => process.stderr.write(`${line}\n`)),
  });
