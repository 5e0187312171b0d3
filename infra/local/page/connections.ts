import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Keeps at most this many connections. A new one takes the place of the one that has been idle for longest: it has no request, or
 * only a part of one. So connections without requests keep no browser out. If all connections have requests, the new one is closed.
 */
export function limitConnections(server: Server, most: number): void {
  const all = new Set<Socket>();
  /** Those without a whole request, idle for longest first. */
  const idle = new Set<Socket>();
  server.on('connection', (socket) => {
    if (all.size >= most) {
      const [longest = socket] = idle;
      longest.destroy();
      all.delete(longest);
      idle.delete(longest);
      if (longest === socket) return;
    }
    all.add(socket);
    idle.add(socket);
    socket.once('close', () => {
      all.delete(socket);
      idle.delete(socket);
    });
  });
  server.on('request', ({ socket }, response) => {
    idle.delete(socket);
    response.once('close', () => {
      if (all.has(socket)) idle.add(socket);
    });
  });
}
