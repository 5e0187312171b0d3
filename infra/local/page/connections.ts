import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Keeps at most this many connections. For a new one, it closes the one that has been idle for longest, which has no request or only
 * a part of one. So connections without requests cannot keep a browser out. If all have requests, it closes the new one.
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
