// npm run kubectl -- ARGS: runs the pinned kubectl against the cluster of the `npm start` that runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { messageOf } from '../../functions/cluster/causes.ts';
import { cacheFolder, findBinaries } from './binaries/binaries.ts';
import { plainProgress } from './binaries/progress.ts';
import { allSources } from './binaries/sources.ts';
import { findRunning } from './running.ts';

/** Help needs no cluster. What stands after `--` is for a program in a Pod. */
function isHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const own = end === -1 ? args : args.slice(0, end);
  return own.length === 0 || own[0] === 'help' || own.some((each) => each === '--help' || each === '-h');
}

async function kubectl(args: readonly string[]): Promise<number> {
  const cache = cacheFolder(process.env);
  const needsCluster = !isHelp(args);
  const running = needsCluster ? findRunning(cache, process.env['KUBECONFIG']) : undefined;
  if (needsCluster && running?.kubeconfig === undefined)
    throw new Error('Found no cluster, because npm start does not run: start it in another terminal');
  const { kubectl: file } = await findBinaries({
    programs: ['kubectl'],
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache,
    sources: allSources(),
    progress: plainProgress((line) => process.stderr.write(line.startsWith('Found ') ? '' : `${line}\n`)),
  });
  // The shell's KUBECONFIG may name a cluster that no npm start uses.
  const environment = { ...process.env, ...(running === undefined ? {} : { KUBECONFIG: running.kubeconfig }) };
  const context = running?.context === undefined ? [] : ['--context', running.context];
  // Ctrl-C reaches kubectl too, and this process ends after it.
  process.on('SIGINT', () => {});
  const child = spawn(file, [...context, ...args], { stdio: 'inherit', env: environment });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

try {
  process.exitCode = await kubectl(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
