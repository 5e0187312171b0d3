// Who is measured: ours.ts has the forwarder and the functions. The others are programs that do the job another way.
import { once } from 'node:events';
import { API_VERSION, PLURAL } from '../../functions/website/resource.ts';
import { untilServed } from '../../infra/local/programs/install.ts';
import { pidOf, startCommand, type Program } from '../program.ts';
import type { Histograms } from './histograms.ts';
import type { BenchCluster } from './bench-cluster.ts';
import type { Rival } from './rivals.ts';
import type { Logs } from './stages.ts';

/** A subject at work. */
export interface Running {
  /** Its processes, by name. */
  readonly pids: Readonly<Record<string, number>>;
  /** Where it can be asked to look at everything. */
  readonly resync?: URL;
  /** What it says of itself. */
  readonly inside?: Inside;
  /** Rejects when one of its programs ends by itself; never resolves. */
  readonly failure: Promise<never>;
  stop(): Promise<void>;
}

/** What the forwarder and the functions say of themselves. */
export interface Inside {
  readonly logs: Logs;
  /** So far. Those of the functions are as old as their last message. */
  histograms(): Promise<Histograms>;
}

export interface Subject {
  readonly name: string;
  /** Starts it; it works, or is about to. */
  start(cluster: BenchCluster): Promise<Running>;
}

/** A program of its own, with rights to everything. */
export const rival = ({ name, command, prepare }: Rival): Subject => ({
  name,
  async start(cluster) {
    await prepare?.(cluster.transport);
    const child = startCommand(command, { KUBECONFIG: cluster.rival });
    await once(child.process, 'spawn');
    // One that defines the Website itself creates the CRD now.
    await untilServed(cluster.transport, API_VERSION, PLURAL);
    return { pids: { operator: pidOf(child) }, ...until([child]) };
  },
});

/** The end of programs: asked for, or not. */
export function until(programs: readonly Program[]): Pick<Running, 'stop' | 'failure'> {
  let isAsked = false;
  const failure = new Promise<never>((_, reject) => {
    for (const { exit, stderr } of programs)
      void exit.then((code) => isAsked || reject(new Error(`It ended with ${code}: ${stderr.join('')}`)));
  });
  failure.catch(() => {});
  return {
    failure,
    stop: async () => {
      isAsked = true;
      await Promise.all(programs.map((each) => each.stop()));
    },
  };
}
