// The doctor asks programs through the API server. The Pods have no kubelet, but real addresses of this machine.
import { createServer, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { VERSION } from '../../../functions/version.ts';
import type { Finding } from '../../../infra/cli/doctor/finding.ts';
import { createNamespace, patch } from '../../real-cluster.ts';
import { website } from '../cli.ts';

let admin: Transport;
const servers: Server[] = [];
beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(async () => {
  for (const server of servers) server.close();
  await admin.close();
});

/** An address of this machine other than loopback, because the API server refuses to connect to loopback. */
const ADDRESS = Object.values(networkInterfaces())
  .flat()
  .find((each) => each?.family === 'IPv4' && !each.internal)?.address;

/** A program that answers `/statusz` with this text, or 404. @returns its port. */
async function program(answer: string | undefined): Promise<number> {
  const server = createServer((request, response) => {
    const isKnown = answer !== undefined && request.url === '/statusz';
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' }).end(isKnown ? answer : '');
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  return (server.address() as AddressInfo).port;
}

async function pod(namespace: string, component: 'functions' | 'forwarder', port: number): Promise<void> {
  const name = `website-${component}`;
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': component };
  const ports = [{ name: 'http', containerPort: port }];
  const spec = { schedulerName: 'nobody', containers: [{ name: component, image: 'x', ports }] };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await admin.json({ method: 'POST', path, what: 'create pods', body: { metadata: { name, labels }, spec } });
  const conditions = [{ type: 'Ready', status: 'True' }];
  await patch(admin, `${path}/${name}/status`, {
    status: { phase: 'Running', podIP: ADDRESS, podIPs: [{ ip: ADDRESS }], conditions },
  });
}

/** The doctor's findings about an installation in its own namespace. */
async function findings(namespace: string, ...args: string[]): Promise<ReadonlyMap<string, Finding>> {
  const command = ['doctor', '--installation', namespace, '-o', 'json', ...args];
  const { out } = await website(command, { KUBECONFIG: inject('kubeconfig') });
  return new Map((JSON.parse(out) as Finding[]).map((each) => [each.check, each]));
}

const startedAt = () => new Date().toISOString();

it.skipIf(ADDRESS === undefined)(
  'The doctor asks the Pods of both programs for their release and their last resync',
  async () => {
    const namespace = await createNamespace(admin, 'doctor');
    const resync = { intervalSeconds: 600, lastCompleteAt: startedAt() };
    const said = JSON.stringify({ version: VERSION, startedAt: startedAt(), namespaces: [namespace], resync });
    await pod(namespace, 'functions', await program(said));
    await pod(namespace, 'forwarder', await program(JSON.stringify({ version: 'v0.0.1', startedAt: startedAt() })));
    const found = await findings(namespace);
    expect(found.get('functions')).toMatchObject({ state: 'ok', message: 'Pod website-functions: ready' });
    expect(found.get('resync')).toMatchObject({ state: 'ok', message: expect.stringContaining('ago') as string });
    expect(found.get('versions')).toMatchObject({
      state: 'problem',
      message: `the functions ${VERSION}, the forwarder v0.0.1, this program ${VERSION}`,
    });
    // The installation is limited to its namespace, so its rights in that namespace count.
    expect(found.get('rights of the functions')?.message).toContain(`get websites in ${namespace}`);
    expect(found.get('fence')).toMatchObject({ state: 'problem' });
  },
);

it.skipIf(ADDRESS === undefined)(
  'The doctor says why it could not ask a Pod, and recognizes a release without /statusz',
  async () => {
    const namespace = await createNamespace(admin, 'doctor');
    await pod(namespace, 'forwarder', await program(undefined));
    // No program listens on this port.
    await pod(namespace, 'functions', 1);
    const found = await findings(namespace);
    expect(found.get('versions')).toMatchObject({
      state: 'problem',
      message: expect.stringContaining('the forwarder an older release') as string,
    });
    expect(found.get('functions')).toMatchObject({
      state: 'unknown',
      message: expect.stringContaining('could not be asked') as string,
      toDo: expect.stringContaining('port-forward') as string,
    });
  },
);

it('Without Pods of the functions, the doctor reports what is unknown, as on Azure', async () => {
  const found = await findings(await createNamespace(admin, 'doctor'));
  expect(found.get('functions')).toMatchObject({ state: 'unknown', toDo: expect.stringContaining('Azure') as string });
  expect(found.get('versions')?.state).toBe('unknown');
  expect(found.get('resync')).toMatchObject({ state: 'unknown', toDo: expect.stringContaining('Azure') as string });
});

it.skipIf(ADDRESS === undefined)(
  'The doctor does not report functions at a URL without /statusz as a problem, because they may be on Azure',
  async () => {
    const url = `http://${ADDRESS}:${await program(undefined)}`;
    const found = await findings(await createNamespace(admin, 'doctor'), '--functions-url', url);
    expect(found.get('functions')).toMatchObject({
      state: 'unknown',
      toDo: expect.stringContaining('Azure') as string,
    });
    expect(found.get('versions')?.state).toBe('unknown');
  },
);
