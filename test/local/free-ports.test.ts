import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkPorts } from '../../infra/local/free-ports.ts';

let server: Server;
let port: number;
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => server.close());

it('A busy port is refused with an error that names its flag', async () => {
  const why = `${port} cannot be used: the port is in use. Give another port, or 0 for a free one`;
  await expect(checkPorts({ port, page: 'off' })).rejects.toThrow(`--port ${why}`);
  await expect(checkPorts({ port: 0, page: port })).rejects.toThrow(`--page ${why}`);
});

it('The check accepts a free port and leaves it free', async () => {
  server.close();
  await once(server, 'close');
  await expect(checkPorts({ port, page: port })).resolves.toBeUndefined();
  await expect(checkPorts({ port, page: 'default' })).resolves.toBeUndefined();
});
