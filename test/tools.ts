import type { TestProject } from 'vitest/node';
import { TOOLS } from '../infra/local/binaries/versions.ts';
import { found } from './found.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the program is, of the version that the project names. */
    kubectl: string;
    helm: string;
  }
}

/** Finds what renders and applies the manifests, as the programs of the control plane are found. */
export async function setup(project: TestProject): Promise<void> {
  const { kubectl, helm } = await found(TOOLS);
  project.provide('kubectl', kubectl);
  project.provide('helm', helm);
}
