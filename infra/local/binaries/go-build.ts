import { spawn } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Progress, Source } from './binaries.ts';
import type { Guard } from '../processes/guard.ts';
import { KUBERNETES, type Program } from './versions.ts';
import { inWorkFolder } from './work-folder.ts';

interface Package {
  readonly path: string;
  /** The file name that Go derives from the path. */
  readonly output: string;
}

/** The Go modules in go/, pinned by their go.sum. One module is not enough, because KWOK needs older Kubernetes libraries. */
const MODULES: readonly { readonly folder: string; readonly packages: Readonly<Partial<Record<Program, Package>>> }[] =
  [
    { folder: 'etcd', packages: { etcd: { path: 'go.etcd.io/etcd/server/v3', output: 'server' } } },
    { folder: 'helm', packages: { helm: { path: 'helm.sh/helm/v4/cmd/helm', output: 'helm' } } },
    { folder: 'kwok', packages: { kwok: { path: 'sigs.k8s.io/kwok/cmd/kwok', output: 'kwok' } } },
    {
      folder: 'kubernetes',
      packages: Object.fromEntries(
        (['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'] as const).map((program) => [
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
const PROGRESS_INTERVAL_MS = 1_000;
/** How much of Go's output is kept, in characters. Its error is at the end. */
const MOST_ERRORS = 64 * 1024;

type Variables = Readonly<Record<string, string | undefined>>;

/** Builds the programs from source, which takes several minutes the first time. An interrupted build leaves nothing in the cache. */
export function goBuild(variables: Variables = process.env): Source {
  return {
    name: 'Go build',
    async fetch(wanted, pathOf, progress) {
      for (const { folder, packages } of MODULES) {
        const programs = wanted.filter((program) => packages[program] !== undefined);
        const [first] = programs;
        if (first === undefined) continue;
        await inWorkFolder(pathOf(first), async (work, guard) => {
          const paths = programs.map((program) => packages[program]?.path ?? '');
          await run([...FLAGS, '-o', `${work}/`, ...paths], {
            cwd: fileURLToPath(new URL(`go/${folder}`, import.meta.url)),
            environment: environmentFor(variables, work),
            guard,
            onProgress: progressOf(progress, programs),
          });
          for (const program of programs) renameSync(join(work, packages[program]?.output ?? program), pathOf(program));
        });
      }
    },
  };
}

/** Overrides Go variables of the user that could change the target. Go puts its temporary files into our work folder. */
const environmentFor = (variables: Variables, work: string) => ({
  ...variables,
  CGO_ENABLED: '0',
  GOOS: '',
  GOARCH: '',
  GOWORK: 'off',
  GOTMPDIR: work,
});

const progressOf = (progress: Progress, programs: readonly Program[]) => (seconds: number) =>
  progress(
    `Building ${programs.join(', ')} from source: ${seconds} s (takes several minutes the first time)`,
    'replaced',
  );

interface Run {
  readonly cwd: string;
  readonly environment: Record<string, string | undefined>;
  readonly guard: Guard;
  readonly onProgress: (seconds: number) => void;
}

async function run(flags: readonly string[], { cwd, environment, guard, onProgress }: Run): Promise<void> {
  const start = performance.now();
  const elapsed = () => Math.round((performance.now() - start) / 1000);
  const timer = setInterval(() => onProgress(elapsed()), PROGRESS_INTERVAL_MS);
  const child = spawn('go', flags, { cwd, env: environment, detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  child.once('spawn', () => onProgress(0));
  const { pid } = child;
  if (pid !== undefined) guard.tell({ started: pid });
  try {
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-MOST_ERRORS);
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', () => reject(new Error('Go is not installed')));
      child.once('close', resolve);
    });
    if (pid !== undefined) guard.tell({ ended: pid });
    // Go's output starts with its downloads and ends with the error.
    if (code !== 0)
      throw new Error(`go build failed with exit code ${code}: ${errors.trim().split('\n').slice(-3).join(' | ')}`);
  } finally {
    clearInterval(timer);
  }
}
