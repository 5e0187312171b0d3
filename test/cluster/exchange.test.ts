import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { exchange, type Limits } from '../../functions/cluster/exchange.ts';

const PATIENT = { timeoutMs: 30_000 };
let server: Server;
let agent: Agent;

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await agent.destroy();
});

/** Asks a server of one connection. */
async function asking(listener: RequestListener) {
  server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  agent = new Agent({ connections: 1, pipelining: 1, allowH2: false });
  return (path: string, limits: Limits = PATIENT) => exchange(agent, { origin, path, method: 'GET' }, limits);
}

describe('The answer of a server', () => {
  it('is decoded correctly even if its bytes are cut inside a character', async () => {
    const bytes = Buffer.from('{"word":"Größe"}');
    const ask = await asking((_, response) => {
      response.writeHead(201, { 'retry-after': '7' });
      // Cut between the two bytes of ö.
      response.write(bytes.subarray(0, 12), () => response.end(bytes.subarray(12)));
    });
    expect(await ask('/')).toMatchObject({ status: 201, headers: { 'retry-after': '7' }, text: '{"word":"Größe"}' });
  });

  it('may be empty', async () => {
    const ask = await asking((_, response) => response.writeHead(204).end());
    expect(await ask('/')).toMatchObject({ status: 204, text: '' });
  });

  describe('whose body is not needed', () => {
    it('resolves before the body ends, and the body has the same time limit', async () => {
      const ask = await asking((request, response) => {
        response.flushHeaders();
        if (request.url !== '/endless') response.end('here');
      });
      expect(await ask('/endless', { timeoutMs: 200, largest: 1000, isBodyUnwanted: true })).toMatchObject({
        status: 200,
        text: '',
      });
      // The agent has one connection at a time, so this request has a new one.
      expect(await ask('/')).toMatchObject({ text: 'here' });
    });

    it('leaves its connection to the next request', async () => {
      const ports = new Set<number | undefined>();
      const ask = await asking((request, response) => {
        ports.add(request.socket.remotePort);
        response.end('here');
      });
      for (const path of ['/', '/again']) await ask(path, { ...PATIENT, largest: 1000, isBodyUnwanted: true });
      expect(ports.size).toBe(1);
    });

    it('is cut off once the body exceeds its limit', async () => {
      let isBrokenOff = false;
      const ask = await asking((_, response) => {
        response.once('close', () => (isBrokenOff = !response.writableFinished));
        // Node 26 reports the end of the connection here before it destroys the response.
        const more = (error?: Error | null) => {
          if (!error && !response.destroyed) response.write(Buffer.alloc(64 * 1024), more);
        };
        more();
      });
      expect(await ask('/', { ...PATIENT, largest: 1_000_000, isBodyUnwanted: true })).toMatchObject({
        status: 200,
        text: '',
      });
      await expect.poll(() => isBrokenOff).toBe(true);
    });

    it('is not confused with early hints before it', async () => {
      const ask = await asking((_, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' });
        response.writeHead(503, { 'retry-after': '7' }).end();
      });
      expect(await ask('/', { ...PATIENT, largest: 0, isBodyUnwanted: true })).toMatchObject({
        status: 503,
        headers: { 'retry-after': '7' },
      });
    });
  });
});

describe('A request without an answer', () => {
  const hangingAt = (path: string): RequestListener => {
    return (request, response) => void (request.url === path || response.end('here'));
  };

  it('fails with a TimeoutError at its deadline, even while it waits for its connection', async () => {
    const ask = await asking(hangingAt('/slow'));
    const slow = ask('/slow', { timeoutMs: 200 });
    const waiting = ask('/', { timeoutMs: 50 });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(slow).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(await ask('/')).toMatchObject({ text: 'here' });
  });

  it('stops waiting when its caller gives up', async () => {
    const ask = await asking(hangingAt('/slow'));
    const stop = new AbortController();
    const slow = ask('/slow', { ...PATIENT, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(slow).rejects.toThrow('enough');
    await expect(ask('/', { ...PATIENT, signal: stop.signal })).rejects.toThrow('enough');
    expect(await ask('/')).toMatchObject({ text: 'here' });
  });

  it("fails with the connection's error when the server closes it", async () => {
    const ask = await asking((request, response) => void (request.url === '/' ? response.destroy() : response.end()));
    await expect(ask('/')).rejects.toThrow('other side closed');
    expect(await ask('/again')).toMatchObject({ status: 200 });
  });
});
