import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether a shell would find this program. */
export function isOnPath(program: string, path = process.env['PATH'] ?? ''): boolean {
  return path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
