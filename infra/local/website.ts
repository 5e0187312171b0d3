// npm run website -- ARGS: runs the program `website` from its source. It asks the cluster of the `npm start` that runs, if one does.
import { cacheFolder } from './binaries/binaries.ts';
import { findRunning } from './running.ts';

/** Who names a cluster means that one. */
const namesCluster = (args: readonly string[]): boolean =>
  args.some((each) => /^--(kubeconfig|context)(=|$)/.test(each));

const args = process.argv.slice(2);
const running = namesCluster(args) ? undefined : findRunning(cacheFolder(process.env));
if (running?.kubeconfig !== undefined) {
  const other = process.env['KUBECONFIG'];
  if (other !== undefined && other !== running.kubeconfig)
    process.stderr.write(
      `This asks the cluster of npm start, and not that of KUBECONFIG: --kubeconfig asks another one\n`,
    );
  process.env['KUBECONFIG'] = running.kubeconfig;
  if (running.context !== undefined) process.argv.splice(2, 0, '--context', running.context);
}
await import(new URL('../cli/main.ts', import.meta.url).href);
