// npm run website -- ARGS: runs the program `website` from its source. It asks the cluster of the `npm start` that runs, if one does.
import { resolve } from 'node:path';
import type { RunningCluster } from '../cli/program.ts';
import { runHere } from '../cli/run-here.ts';
import { cacheFolder } from './binaries/binaries.ts';
import { findRunning } from './running.ts';

/** The cluster of `npm start`. @throws UsageError if there are several. */
function running(): RunningCluster | undefined {
  const other = process.env['KUBECONFIG'];
  const found = findRunning(cacheFolder(process.env), other);
  if (found?.kubeconfig !== undefined && other !== undefined && resolve(other) !== found.kubeconfig)
    process.stderr.write(
      `This asks the cluster of npm start, and not that of KUBECONFIG: --kubeconfig asks another one\n`,
    );
  return found;
}

await runHere({ running, otherwise: 'Or start one with npm start in another terminal: it does not run now' });
