import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, inject, it } from 'vitest';
import { startProgram } from '../program.ts';
import { describeHost } from './suite.ts';

const NODE = 'functions/node.ts';

describeHost('The Node host', (environment) => startProgram(NODE, [], environment));

it('names every variable that is wrong, and exits with 2', async () => {
  const program = startProgram(NODE, [], { PORT: 'x', LOG_LEVEL: 'loud', MAX_CONCURRENT: '0' });
  expect(await program.exit).toBe(2);
  for (const variable of ['PORT', 'LOG_LEVEL', 'MAX_CONCURRENT'])
    expect(program.stderr.join('')).toContain(`${variable}: `);
});

it('says what to do when the port is in use', async () => {
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const PORT = String((blocker.address() as AddressInfo).port);
  const program = startProgram(NODE, [], { KUBECONFIG: inject('functionsKubeconfig'), HOST: '127.0.0.1', PORT });
  expect(await program.exit).toBe(1);
  expect(program.stderr.join('')).toContain(`port ${PORT}: is in use: set PORT to another`);
  blocker.close();
});

it('names the kubeconfig that it cannot read', async () => {
  const program = startProgram(NODE, [], { KUBECONFIG: '/nowhere/kubeconfig', PORT: '0' });
  expect(await program.exit).toBe(1);
  expect(program.stderr.join('')).toContain('/nowhere/kubeconfig');
});

it('answers 503 with Retry-After when the cluster cannot be reached', async () => {
  const program = startProgram(NODE, [], {
    KUBECONFIG: 'test/fixtures/unreachable.kubeconfig',
    HOST: '127.0.0.1',
    PORT: '0',
  });
  const url = String((await program.line('Listening'))['url']);
  const data = {
    apiVersion: 'stable.example.com/v1',
    kind: 'Website',
    namespace: 'a',
    name: 'b',
    uid: 'x',
    reason: 'retry',
  };
  const event = { id: '1', specversion: '1.0', source: '/x', type: 'com.example.stable.website.changed', data };
  const headers = { 'content-type': 'application/cloudevents+json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(event) });
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await program.stop()).toBe(0);
});
