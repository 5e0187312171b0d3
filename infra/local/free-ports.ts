import { once } from 'node:events';
import { createServer } from 'node:net';
import { UsageError } from '../usage.ts';
import type { Options } from './options.ts';

/**
 * Checks the ports that the user has chosen. Without this, a port that is taken would stop the control plane just after its start.
 * @throws UsageError that names the flag.
 */
export async function checkPorts({ port, page }: Pick<Options, 'port' | 'page'>): Promise<void> {
  await checkPort('--port', port);
  if (typeof page === 'number') await checkPort('--page', page);
}

async function checkPort(flag: string, port: number): Promise<void> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EADDRINUSE' ? 'the port is in use' : message;
    throw new UsageError(`${flag} ${port} cannot be used: ${why}. Give another port, or 0 for a free one`, {
      cause: error,
    });
  } finally {
    server.close();
  }
}
