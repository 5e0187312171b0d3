// npm run website -- ARGS: runs the program `website` from its source. It asks the cluster of the `npm start` that runs, if one does.
import { resolve } from 'node:path';
import { cacheFolder } from './binaries/binaries.ts';
import { findRunning } from './running.ts';

/** Who names a cluster means that one. */
const namesCluster = (args: readonly string[]): boolean =>
  args.some((each) => /^--(kubeconfig|context)(=|$)/.test(each));

/** Makes the cluster of `npm start` the one that the program asks. @throws UsageError if there are several. */
function chooseCluster(): void {
  const other = process.env['KUBECONFIG'];
  const running = namesCluster(process.argv.slice(2)) ? undefined : findRunning(cacheFolder(process.env), other);
  if (running?.kubeconfig === undefined) return;
  if (other !== undefined && resolve(other) !== running.kubeconfig)
    process.stderr.write(
      `This asks the cluster of npm start, and not that of KUBECONFIG: --kubeconfig asks another one\n`,
    );
  process.env['KUBECONFIG'] = running.kubeconfig;
  if (running.context !== undefined) process.argv.splice(2, 0, '--context', running.context);
}

try {
  chooseCluster();
  await import(new URL('../cli/main.ts', import.meta.url).href);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
