// Answers over HTTP on Azure that differ from those of the Node host.
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, inject, it } from 'vitest';
import { startProgram, type Program } from '../program.ts';

const WORKER = 'test/hosts/azure-worker.ts';

/** Sends an event to the HTTP function. */
async function send(program: Program, body: string | undefined, headers: Record<string, string>) {
  const sent = request(String((await program.line('Listening'))['url']), { method: 'POST', headers });
  // Without a Content-Length, the body is sent in chunks.
  if (body !== undefined) sent.write(body);
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const text = (await answer.toArray()).join('');
  return { status: answer.statusCode, headers: answer.headers, text };
}
const RESYNC = {
  'ce-id': '1',
  'ce-source': '/x',
  'ce-specversion': '1.0',
  'ce-type': 'com.example.stable.websites.resync',
};

it('The Azure host answers 411 with advice if Azure dropped the body for want of a Content-Length', async () => {
  const secret = `whsec_${Buffer.alloc(32).toString('base64')}`;
  const program = startProgram(WORKER, [], { KUBECONFIG: inject('functionsKubeconfig') });
  const signing = startProgram(WORKER, [], {
    KUBECONFIG: inject('functionsKubeconfig'),
    CALLER_SIGNING_SECRET: secret,
  });
  for (const [to, headers] of [
    [program, { 'content-type': 'application/cloudevents+json' }],
    [program, { ...RESYNC, 'content-type': 'application/json' }],
    [signing, { 'content-type': 'application/cloudevents+json', 'webhook-signature': 'v1,x' }],
  ] as const) {
    const answer = await send(to, '{}', headers);
    expect([answer.status, answer.headers['content-type']]).toEqual([411, 'application/problem+json']);
    expect(answer.text).toContain('Content-Length');
  }
  expect((await send(program, undefined, { ...RESYNC, 'content-length': '0' })).status).toBe(204);
  expect(await Promise.all([program.stop(), signing.stop()])).toEqual([0, 0]);
});

describe('While the cluster cannot be reached, the Azure host', () => {
  const expectAgain = async (program: Program) => {
    const { status, headers } = await send(program, undefined, { ...RESYNC, 'content-length': '0' });
    expect([status, headers['retry-after'], headers['content-type']]).toEqual([503, '5', 'application/problem+json']);
  };

  it('answers 503 with Retry-After, and still answers the handshake', async () => {
    const program = startProgram(WORKER, [], {
      KUBECONFIG: '/nowhere/kubeconfig',
      WEBHOOK_ALLOWED_ORIGINS: 'eventgrid.azure.net',
    });
    await expectAgain(program);
    const url = String((await program.line('Listening'))['url']);
    const asked = { method: 'OPTIONS', headers: { 'webhook-request-origin': 'eventgrid.azure.net' } };
    expect((await fetch(url, asked)).headers.get('webhook-allowed-origin')).toBe('eventgrid.azure.net');
    expect(program.lines.filter(({ msg }) => msg === 'log')).toMatchObject([
      { level: 'error', message: expect.stringContaining('Could not connect to the cluster') as string },
    ]);
    expect(await program.stop()).toBe(0);
  });

  it('answers 503 after three tries to get a token from a managed identity', async () => {
    let tries = 0;
    const identity = createServer((_, response) => {
      tries++;
      response.writeHead(500).end();
    });
    await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      command: 'kubelogin',
      args: ['--server-id', 'x'],
    };
    const program = startProgram(WORKER, [], {
      KUBECONFIG_CONTENT: JSON.stringify({
        'current-context': 'aks',
        clusters: [{ name: 'aks', cluster: { server: 'https://127.0.0.1:1' } }],
        users: [{ name: 'aks', user: { exec } }],
        contexts: [{ name: 'aks', context: { cluster: 'aks', user: 'aks' } }],
      }),
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
      IDENTITY_ENDPOINT: `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`,
      IDENTITY_HEADER: 'secret',
    });
    await expectAgain(program);
    expect(tries).toBe(3);
    expect(await program.stop()).toBe(0);
    identity.closeAllConnections();
    identity.close();
  });
});
