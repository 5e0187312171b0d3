import type { TestProject } from 'vitest/node';
import { cacheFolder, findBinaries } from '../infra/local/binaries/binaries.ts';
import { plainProgress } from '../infra/local/binaries/progress.ts';
import { allSources } from '../infra/local/binaries/sources.ts';
import { TOOLS } from '../infra/local/binaries/versions.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the program is, of the version that the project names. */
    kubectl: string;
    helm: string;
  }
}

/** Finds what renders and applies the manifests, as the programs of the control plane are found. */
export async function setup(project: TestProject): Promise<void> {
  const { kubectl, helm } = await findBinaries({
    programs: TOOLS,
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: allSources(),
    progress: plainProgress((line) => process.stderr.write(`${line}\n`)),
  });
  project.provide('kubectl', kubectl);
  project.provide('helm', helm);
}
