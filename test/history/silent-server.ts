import { createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A server that accepts connections and never says anything. */
export async function startSilentServer(port = 0): Promise<{ port: number; connections: Set<Socket>; close(): void }> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket
      .on('close', () => connections.delete(socket))
      .on('error', () => {})
      .resume();
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    close() {
      for (const each of connections) each.destroy();
      server.close();
    },
  };
}
