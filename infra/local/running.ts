import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { credentialsIn } from '../../functions/cluster/credentials/file-text.ts';
import type { RunningCluster } from '../cli/program.ts';
import { UsageError } from '../usage.ts';
import { makeFolder } from './make-folder.ts';

const folderIn = (cache: string): string => join(cache, 'running');

/**
 * Notes which cluster this process uses and where its programs answer, so that `npm run kubectl` and `npm run website` find them.
 * @returns the file to remove at the end, or undefined if the cache cannot be written.
 */
export function noteRunning(cache: string, { kubeconfig = '', ...rest }: RunningCluster): string | undefined {
  const file = join(folderIn(cache), String(process.pid));
  try {
    makeFolder(folderIn(cache));
    writeFileSync(file, JSON.stringify({ ...rest, kubeconfig: resolve(kubeconfig) }), { mode: 0o600 });
    return file;
  } catch {
    return undefined;
  }
}

/**
 * The cluster of the `npm start` that runs, or undefined. If several use different clusters, `chosen`, the KUBECONFIG of the shell,
 * has to name one of them.
 * @throws UsageError if it does not.
 */
export function findRunning(cache: string, chosen: string | undefined): RunningCluster | undefined {
  const all = clustersIn(folderIn(cache));
  const named = all.filter(({ kubeconfig }) => chosen !== undefined && kubeconfig === resolve(chosen));
  const [first, ...others] = named.length > 0 ? named : all;
  if (others.length === 0) return first;
  const names = all.map(({ kubeconfig, context }) => {
    const of = context === undefined ? '' : `   # context ${context}`;
    return `  export KUBECONFIG=${kubeconfig}${of}`;
  });
  throw new UsageError(
    `npm start runs with ${all.length} clusters: choose one, or stop the others\n${names.join('\n')}`,
  );
}

/** Different clusters, by what the processes that run have noted. */
function clustersIn(folder: string): RunningCluster[] {
  if (!existsSync(folder)) return [];
  const addresses = readdirSync(folder)
    .filter((pid) => /^\d+$/.test(pid) && isAlive(Number(pid)))
    .map((pid) => read(join(folder, pid)))
    .filter(({ kubeconfig }) => kubeconfig !== undefined && existsSync(kubeconfig));
  return [...new Map(addresses.map((address) => [`${address.kubeconfig} ${address.context}`, address])).values()];
}

function read(file: string): RunningCluster {
  try {
    return JSON.parse(credentialsIn(file)) as RunningCluster;
  } catch {
    // Its process has just ended, or is still writing it.
    return {};
  }
}

/** A process of another user is no npm start of ours: it got the number of one that was killed. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
