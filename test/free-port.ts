import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/**
 * An address of this machine for a port that is free for a while. The other tests listen at 127.0.0.1, and connections get their own
 * ports there too, so none of them takes it.
 */
export const APART = '127.0.0.2';

/** A port at which nobody listens, of that address. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, APART, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
