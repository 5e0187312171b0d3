// Checks for Azure Functions Core Tools before anything is built: the first part of npm run start:azure.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../functions/cluster/causes.ts';

/** Workers of older Core Tools refuse Node 24. */
const NEEDED = [4, 4, 0];
const INSTALL = 'npm install -g azure-functions-core-tools@4';

/** Why `func` cannot be used, or undefined. */
async function problem(): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('func', ['--version']);
    const version = stdout.trim();
    if (isAtLeast(version.split('.').map(Number), NEEDED)) return undefined;
    return `Azure Functions Core Tools ${version} do not support Node 24: install ${NEEDED.join('.')} or newer (${INSTALL})`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return `Could not find func: install Azure Functions Core Tools ${NEEDED.join('.')} or newer (${INSTALL})`;
    return `Could not run func --version: ${messageOf(error)}`;
  }
}

function isAtLeast(version: readonly number[], needed: readonly number[]): boolean {
  const different = needed.findIndex((part, index) => version[index] !== part);
  return different === -1 || (version[different] ?? NaN) > (needed[different] ?? NaN);
}

const found = await problem();
if (found !== undefined) {
  process.stderr.write(`${found}\n`);
  process.exitCode = 1;
}
