import { execFileSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';

const SOURCES = [
  'functions/**/*.ts',
  'infra/{cli,forwarder}/**/*.ts',
  'crds/generate.ts',
  'infra/bundle.ts',
  'package-lock.json',
];
/** The programs, as they ship: what the tests start. */
const BUNDLES = [
  'dist/functions/node.js',
  'dist/functions/azure.js',
  'dist/forwarder/main.mjs',
  'dist/cli/website.mjs',
];

const shared = globalThis as { isBuilt?: true };

/** Builds what ships where that is missing or older than its sources; once for all the projects of a run. */
export function setup(): void {
  if (shared.isBuilt === undefined && isStale()) execFileSync(process.execPath, ['infra/bundle.ts']);
  shared.isBuilt = true;
}

function isStale(): boolean {
  const built = globSync(BUNDLES).map(changedAt);
  return built.length < BUNDLES.length || Math.max(...globSync(SOURCES).map(changedAt)) > Math.min(...built);
}

const changedAt = (path: string): number => statSync(path).mtimeMs;
