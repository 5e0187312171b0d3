import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Progress, Source } from './binaries.ts';
import { KUBERNETES, type Program } from './versions.ts';

interface Package {
  readonly path: string;
  /** What Go names the program after its path. */
  readonly output: string;
}

/** The Go modules beside this file, pinned by their go.sum. They cannot be one: KWOK needs older Kubernetes libraries. */
const MODULES: readonly { readonly folder: string; readonly packages: Readonly<Partial<Record<Program, Package>>> }[] =
  [
    { folder: 'etcd', packages: { etcd: { path: 'go.etcd.io/etcd/server/v3', output: 'server' } } },
    { folder: 'kwok', packages: { kwok: { path: 'sigs.k8s.io/kwok/cmd/kwok', output: 'kwok' } } },
    {
      folder: 'kubernetes',
      packages: Object.fromEntries(
        (['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const).map((program) => [
          program,
          { path: `k8s.io/kubernetes/cmd/${program}`, output: program },
        ]),
      ),
    },
  ];

const FLAGS = [
  'build',
  '-mod=readonly',
  '-trimpath',
  '-ldflags',
  `-s -w -X k8s.io/component-base/version.gitVersion=${KUBERNETES}`,
];
const EVERY_MS = 10_000;

/** Builds the programs from source; some minutes the first time. A build that is cut off leaves nothing in the cache. */
export function goBuild(variables: Readonly<Record<string, string | undefined>> = process.env): Source {
  return {
    name: 'Go build',
    async fetch(wanted, pathOf, progress) {
      for (const { folder, packages } of MODULES) {
        const programs = wanted.filter((program) => packages[program] !== undefined);
        if (programs.length === 0) continue;
        const [first] = programs.map(pathOf);
        const work = mkdtempSync(`${dirname(first ?? '')}/.build-`);
        try {
          const paths = programs.map((program) => packages[program]?.path ?? '');
          const cwd = fileURLToPath(new URL(`go/${folder}`, import.meta.url));
          await run(variables, [...FLAGS, '-o', `${work}/`, ...paths], cwd, said(progress, programs));
          for (const program of programs) renameSync(join(work, packages[program]?.output ?? program), pathOf(program));
        } finally {
          rmSync(work, { recursive: true, force: true });
        }
      }
    },
  };
}

const said = (progress: Progress, programs: readonly Program[]) => (seconds: number) =>
  progress(`Building ${programs.join(', ')} from source: ${seconds} s (some minutes the first time)`);

async function run(
  variables: Readonly<Record<string, string | undefined>>,
  flags: readonly string[],
  cwd: string,
  tell: (seconds: number) => void,
): Promise<void> {
  const start = performance.now();
  const elapsed = () => Math.round((performance.now() - start) / 1000);
  tell(0);
  const timer = setInterval(() => tell(elapsed()), EVERY_MS);
  const child = spawn('go', flags, {
    cwd,
    env: { ...variables, CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const abandon = () => child.kill();
  process.once('exit', abandon);
  try {
    const errors: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', () => reject(new Error('Go is not installed')));
      child.once('close', resolve);
    });
    // What Go downloads comes first in its output; what went wrong is at its end.
    if (code !== 0)
      throw new Error(`go build ended with ${code}: ${errors.join('').trim().split('\n').slice(-3).join(' | ')}`);
  } finally {
    process.off('exit', abandon);
    clearInterval(timer);
  }
}
