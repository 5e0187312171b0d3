import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Progress, Source } from './binaries.ts';
import { KUBERNETES, type Program } from './versions.ts';

/** The Go modules beside this file, pinned by their go.sum. They cannot be one: KWOK needs older Kubernetes libraries. */
const MODULES: readonly { readonly folder: string; readonly packages: Readonly<Partial<Record<Program, string>>> }[] = [
  { folder: 'etcd', packages: { etcd: 'go.etcd.io/etcd/server/v3' } },
  { folder: 'kwok', packages: { kwok: 'sigs.k8s.io/kwok/cmd/kwok' } },
  {
    folder: 'kubernetes',
    packages: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
    },
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
        for (const program of wanted) {
          const name = packages[program];
          if (name === undefined) continue;
          const path = pathOf(program);
          const work = mkdtempSync(`${dirname(path)}/.build-`);
          try {
            const built = join(work, program);
            const cwd = fileURLToPath(new URL(`go/${folder}`, import.meta.url));
            await run(variables, [...FLAGS, '-o', built, name], cwd, said(progress, program));
            renameSync(built, path);
          } finally {
            rmSync(work, { recursive: true, force: true });
          }
        }
      }
    },
  };
}

const said = (progress: Progress, program: Program) => (seconds: number) =>
  progress(`Building ${program} from source: ${seconds} s (some minutes the first time)`);

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
