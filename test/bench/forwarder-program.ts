// The forwarder as a child process, until it is synced; and what it takes.
import { eventually } from '../eventually.ts';
import { imageIn } from '../image.ts';
import { pidOf, startProgram, type Program } from '../program.ts';
import { ask, PATIENCE } from './measure.ts';
import { cpuMs, rssMiB } from './usage.ts';

/** Deliveries at once: the forwarder's default, which a sink that holds them has to know. */
export const PARALLEL = 32;
/** As the container image runs it. */
const IMAGE = imageIn('forwarder', 'dist/forwarder');
const COLLECT = new URL('collect.mjs', import.meta.url).href;

export interface ForwarderOptions {
  readonly kubeconfig: string;
  readonly sink: string;
  /** `info` when absent; with less, it would not say where it listens. */
  readonly logLevel?: 'debug' | 'info';
  /** `I/N`: all Websites when absent. */
  readonly shard?: string;
}

/** A forwarder that has listed everything. */
export interface SyncedForwarder {
  readonly program: Program;
  /** From the start of the process to the first 200 of /readyz. */
  readonly syncedMs: number;
  /** Of the process, until it was synced. */
  readonly cpuMs: number;
  readonly rssMiB: number;
  /** The most that it had taken by then. */
  readonly peakRssMiB: number;
  /** Collects its garbage. @returns the heap that is really in use, in MiB. */
  readonly collected: () => Promise<number>;
}

/** Starts a forwarder, waits until it is synced, and stops it after the work. */
export async function withForwarder<T>(
  { kubeconfig, sink, logLevel = 'info', shard }: ForwarderOptions,
  work: (forwarder: SyncedForwarder) => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const own = shard === undefined ? {} : { shard };
  const flags = { sink, kubeconfig, 'log-level': logLevel, parallel: PARALLEL, host: '127.0.0.1', port: 0, ...own };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const [first = '', ...rest] = IMAGE.command;
  const program = startProgram(first, [...rest, ...args], {
    ...IMAGE.variables,
    NODE_OPTIONS: `--expose-gc --import=${COLLECT}`,
  });
  try {
    const readyz = new URL('readyz', String((await program.line('Listening'))['url']));
    await eventually(async () => {
      const { status } = await ask(readyz);
      if (status !== 200) throw new Error(`/readyz answers ${status}`);
    }, PATIENCE);
    return await work({
      program,
      syncedMs: performance.now() - start,
      cpuMs: cpuMs(pidOf(program)),
      rssMiB: rssMiB(pidOf(program), 'VmRSS'),
      peakRssMiB: rssMiB(pidOf(program), 'VmHWM'),
      collected: () => collect(program),
    });
  } finally {
    await program.stop();
  }
}

async function collect(program: Program): Promise<number> {
  const from = program.lines.length;
  program.process.kill('SIGUSR2');
  const { heapUsed } = await eventually(() => {
    const line = program.lines.slice(from).find(({ msg }) => msg === 'Collected');
    if (line === undefined) throw new Error('The garbage is not collected');
    return line;
  }, PATIENCE);
  return Number(heapUsed) / 2 ** 20;
}
