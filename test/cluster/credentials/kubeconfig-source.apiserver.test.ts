// Credentials that change while a program runs, with tokens of the real API server.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, it, vi } from 'vitest';
import { load } from '../../../functions/cluster/credentials/kubeconfig-source.ts';
import { withEntra } from '../../../functions/cluster/credentials/entra.ts';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { authority } from '../../../infra/local/control-plane/certificates.ts';
import { eventually } from '../../eventually.ts';
import { createNamespace, remove } from '../../real-cluster.ts';

let admin: Transport;
let namespace: string;
let folder: string;
const close: (() => unknown)[] = [];

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
});
afterAll(() => admin.close());
beforeEach(async () => {
  namespace = await createNamespace(admin, 'credentials');
  folder = mkdtempSync(join(tmpdir(), 'credentials-'));
  await make('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } });
});
afterEach(async () => {
  for (const each of close.splice(0)) await each();
  rmSync(folder, { recursive: true });
});

const pathOf = (plural: string) => `/api/v1/namespaces/${namespace}/${plural}`;
const make = (plural: string, body: object) =>
  admin.json({ method: 'POST', path: pathOf(plural), what: `create ${plural}`, body }) as Promise<{
    metadata: { uid: string };
  }>;

/** A token that is valid while the Secret of this name exists. */
async function tokenBoundTo(name: string): Promise<string> {
  const { metadata } = await make('secrets', { apiVersion: 'v1', kind: 'Secret', metadata: { name } });
  return tokenOf('robot', { boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name, uid: metadata.uid } });
}
async function tokenOf(account: string, spec: object = {}): Promise<string> {
  const { status } = (await admin.json({
    method: 'POST',
    path: `${pathOf('serviceaccounts')}/${account}/token`,
    what: 'create token',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
  })) as { status: { token: string } };
  return status.token;
}

/** A kubeconfig for the control plane with these credentials. */
function kubeconfigFor(user: object, cluster: object = clusterOfControlPlane()): string {
  const path = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'x', cluster }],
    users: [{ name: 'x', user }],
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    'current-context': 'x',
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
function clusterOfControlPlane(): object {
  const cluster = load({ kubeconfig: inject('kubeconfig') }).getCurrentCluster();
  return { server: cluster?.server, 'certificate-authority': cluster?.caFile };
}

async function connected(kubeconfig: string): Promise<() => Promise<string>> {
  // Like the functions and the forwarder.
  const transport = await connect({ kubeconfig, adapt: withEntra });
  close.push(() => transport.close());
  return async () => {
    const path = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
    const review = (await transport.json({ method: 'POST', path, what: 'ask who we are', body })) as {
      status: { userInfo: { username: string } };
    };
    return review.status.userInfo.username;
  };
}
const robot = () => `system:serviceaccount:${namespace}:robot`;

/** Like a Pod with the token of its ServiceAccount in a file. */
it('A revoked token is reported as missing rights, and its replacement is used at once', async () => {
  const file = join(folder, 'token');
  writeFileSync(file, await tokenBoundTo('first'));
  const whoAmI = await connected(kubeconfigFor({ tokenFile: file, token: 'another' }));
  expect(await whoAmI()).toBe(robot());
  await remove(admin, `${pathOf('secrets')}/first`);
  // The API server accepts a known token for some seconds without checking it.
  await eventually(() => expect(whoAmI()).rejects.toMatchObject({ code: 'Unauthorized', class: 'rights' }));
  writeFileSync(file, await tokenBoundTo('second'));
  expect(await whoAmI()).toBe(robot());
});

it('The error about unusable credentials names the user and the kinds that can be used', async () => {
  await expect(connect({ kubeconfig: kubeconfigFor({ other: '/x' }) })).rejects.toThrow(/user x .*exec plugin/);
});

it('A deleted ServiceAccount is reported as missing rights', async () => {
  const whoAmI = await connected(kubeconfigFor({ token: await tokenBoundTo('first') }));
  expect(await whoAmI()).toBe(robot());
  await remove(admin, `${pathOf('serviceaccounts')}/robot`);
  await eventually(() => expect(whoAmI()).rejects.toMatchObject({ code: 'Unauthorized', class: 'rights' }));
});

it('An exec plugin is run again only when its token expires or the API server refuses it', async () => {
  const [plugin, tokenFile, count] = ['plugin', 'token', 'count'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(tokenFile, await tokenBoundTo('first'));
  const status = `{"token":"$(cat ${tokenFile})","expirationTimestamp":"2099-01-01T00:00:00Z"}`;
  const credential = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":${status}}`;
  writeFileSync(plugin, `#!/bin/sh\necho x >> ${count}\ncat <<END\n${credential}\nEND\n`);
  chmodSync(plugin, 0o700);
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' };
  const whoAmI = await connected(kubeconfigFor({ exec }));
  for (const _ of [1, 2, 3]) expect(await whoAmI()).toBe(robot());
  expect(readFileSync(count, 'utf8')).toBe('x\n');
  await remove(admin, `${pathOf('secrets')}/first`);
  writeFileSync(tokenFile, await tokenBoundTo('second'));
  await eventually(async () => {
    expect(await whoAmI()).toBe(robot());
    expect(readFileSync(count, 'utf8')).toBe('x\nx\n');
  });
});

it('A kubeconfig of AKS gets its Entra tokens without kubelogin, and the next one before the old one expires', async () => {
  await make('serviceaccounts', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'next' } });
  // A stand-in for a managed identity. Its tokens are valid for the real API server.
  let issued = { token: await tokenOf('robot'), seconds: 60 };
  const asked: (string | undefined)[] = [];
  const identity = createHttpServer((request, response) => {
    asked.push(request.url);
    const expires = Math.floor(Date.now() / 1000) + issued.seconds;
    const answer = { access_token: issued.token, expires_on: String(expires), token_type: 'Bearer' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
  close.push(
    () => identity.closeAllConnections(),
    () => identity.close(),
    () => vi.unstubAllEnvs(),
    () => vi.useRealTimers(),
  );
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential');
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`);
  vi.stubEnv('IDENTITY_HEADER', 'secret');
  vi.useFakeTimers({ toFake: ['performance'] });
  const AKS = '6dae42f8-4368-4678-94ff-3960e28e3630';
  const args = ['get-token', '--environment', 'AzurePublicCloud', '--server-id', AKS, '--login', 'devicecode'];
  const exec = { apiVersion: 'client.authentication.k8s.io/v1beta1', command: 'kubelogin', args };
  const whoAmI = await connected(kubeconfigFor({ exec }));
  const whoAmILater = () => {
    vi.advanceTimersByTime(11_000);
    return whoAmI();
  };
  expect(await whoAmI()).toBe(robot());
  expect(asked[0]).toContain(`resource=${AKS}`);
  issued = { token: await tokenOf('next'), seconds: 3_600 };
  await eventually(async () => expect(await whoAmILater()).toMatch(/:next$/), { deadlineMs: 600_000 });
  const before = asked.length;
  for (const _ of [1, 2, 3]) await whoAmILater();
  expect(asked).toHaveLength(before);
});

it('A replaced certificate authority is trusted once its file has changed', async () => {
  const authorities = await Promise.all(['old', 'new'].map((name) => authority(join(folder, name))));
  const serve = async (index: number, port: number) => {
    const issued = await authorities[index]?.issue({ commonName: 'server' });
    if (issued === undefined) throw new Error('There is no such authority');
    const server = createServer({ cert: issued.certificate, key: issued.key }, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return { server, port: (server.address() as AddressInfo).port };
  };
  const stop = ({ server }: Awaited<ReturnType<typeof serve>>) =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const ca = join(folder, 'ca.crt');
  writeFileSync(ca, authorities[0]?.certificate ?? '');
  const before = await serve(0, 0);
  const cluster = { server: `https://127.0.0.1:${before.port}`, 'certificate-authority': ca };
  const transport = await connect({ kubeconfig: kubeconfigFor({ token: 'x' }, cluster) });
  close.push(() => transport.close());
  const get = () => transport.json({ method: 'GET', path: '/', what: 'look' });
  expect(await get()).toEqual({});
  await stop(before);
  const after = await serve(1, before.port);
  close.push(() => stop(after));
  await expect(get()).rejects.toMatchObject({ code: 'Unreachable' });
  writeFileSync(ca, authorities[1]?.certificate ?? '');
  await eventually(async () => expect(await get()).toEqual({}));
});
