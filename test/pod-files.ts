// Loaded with --import: stands in for the kubelet, which mounts a ServiceAccount at a path that only root can write. Reads of that
// path go to the folder POD_FILES. At its end, the process prints which modules it loaded.
import fs from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';

const MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

function redirect(functions: object, names: readonly string[], folder: string): void {
  const table = functions as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const original = table[name];
    table[name] = (path, ...rest) =>
      original?.(
        typeof path === 'string' && path.startsWith(MOUNT) ? folder + path.slice(MOUNT.length) : path,
        ...rest,
      );
  }
}
const { POD_FILES: folder } = process.env;
if (folder !== undefined) {
  redirect(fs.promises, ['access', 'readFile'], folder);
  redirect(fs, ['accessSync', 'openSync', 'readFileSync', 'statSync'], folder);
  syncBuiltinESMExports();
}

const loaded: string[] = [];
registerHooks({
  load(url, context, next) {
    loaded.push(url);
    return next(url, context);
  },
});
process.once('exit', () => fs.writeSync(1, `${JSON.stringify({ msg: 'Loaded', loaded })}\n`));
