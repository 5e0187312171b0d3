// How kubeconfigs select the cluster and the user.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  kubeconfigSource,
  load,
  type ClusterAddress,
} from '../../../functions/cluster/credentials/kubeconfig-source.ts';
import { withEntra } from '../../../functions/cluster/credentials/entra.ts';
import { connect, connectLater } from '../../../functions/cluster/transport.ts';
import { Troubles } from '../../../functions/cluster/troubles.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'kubeconfigs-'))));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => void vi.unstubAllEnvs());

/** A kubeconfig of one cluster, at `https://NAME.example.com`. */
const kubeconfig = (name: string, user: object = { token: 't' }) =>
  JSON.stringify({
    clusters: [{ name, cluster: { server: `https://${name}.example.com` } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  });
const changed = (fields: object): string =>
  JSON.stringify({ ...(JSON.parse(kubeconfig('west')) as object), ...fields });
function file(name: string, content: string | Buffer = kubeconfig(name)): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

it.each([
  ['a file', () => ({ kubeconfig: file('west') }), 'west'],
  ['the first of several files', () => ({ kubeconfig: [file('west'), file('east')].join(delimiter) }), 'west'],
  [
    'the first of several files that name the same cluster',
    () => ({ kubeconfig: [file('west'), file('twin', kubeconfig('west', { token: 'other' }))].join(delimiter) }),
    'west',
  ],
  [
    'the file that has the context, among several',
    () => ({ kubeconfig: [file('west'), file('east')].join(delimiter), context: 'east' }),
    'east',
  ],
  [
    'the second of two files, if the first is empty',
    () => ({ kubeconfig: [file('empty', ''), file('west')].join(delimiter) }),
    'west',
  ],
  [
    'the only one of several files that exists, as in kubectl',
    () => ({ kubeconfig: ['/nowhere', '', file('west'), '/nowhere/either'].join(delimiter) }),
    'west',
  ],
  ['a text', () => ({ kubeconfigText: kubeconfig('west') }), 'west'],
])('The cluster is read from %s', (_, address, name) => {
  expect(kubeconfigSource(address()).server).toBe(`https://${name}.example.com`);
});

it.each<[string, () => ClusterAddress, RegExp | string]>([
  ['a missing kubeconfig', () => ({ kubeconfig: join(folder, 'nowhere') }), /kubeconfig .*nowhere: ENOENT/],
  [
    'the first kubeconfig of several, if all of them are missing',
    () => ({ kubeconfig: `/nowhere${delimiter}/nowhere/either` }),
    /^Could not read the kubeconfig \/nowhere: ENOENT/,
  ],
  ['a list without a kubeconfig', () => ({ kubeconfig: delimiter }), /^Could not read the kubeconfig :/],
  [
    'the one of several kubeconfigs that is a folder',
    () => ({ kubeconfig: [file('west'), folder].join(delimiter) }),
    /^Could not read the kubeconfig [^:]*: EISDIR/,
  ],
  [
    'the one of several kubeconfigs that is not YAML',
    () => ({ kubeconfig: [file('west'), file('broken', '{')].join(delimiter) }),
    /^Could not read the kubeconfig [^:]*broken: /,
  ],
  ['an unknown context', () => ({ kubeconfigText: kubeconfig('west'), context: 'x' }), /x; it has west/],
  [
    'a kubeconfig without a current cluster',
    () => ({ kubeconfigText: JSON.stringify({ contexts: [{ name: 'x', context: { cluster: 'x' } }] }) }),
    /names no current cluster/,
  ],
  [
    'the current context that does not exist, and those that do',
    () => ({ kubeconfigText: changed({ 'current-context': 'nope' }) }),
    'The kubeconfig in KUBECONFIG_CONTENT names the current context nope, which does not exist; it has west',
  ],
  [
    'the cluster of the context that does not exist',
    () => ({ kubeconfigText: changed({ contexts: [{ name: 'west', context: { cluster: 'nope', user: 'west' } }] }) }),
    'The context west of the kubeconfig in KUBECONFIG_CONTENT names the cluster nope, which does not exist',
  ],
  [
    'a kubeconfig in UTF-16',
    () => ({ kubeconfig: file('utf-16', Buffer.from(`\ufeff${kubeconfig('west')}`, 'utf16le')) }),
    /^Could not read the kubeconfig .*utf-16: it is UTF-16: save it as UTF-8/,
  ],
])('The error names %s', (_, address, words) => {
  expect(() => load(address())).toThrow(words);
});

const QUOTES = 'is not a text: put it in quotes';
const NO_QUOTES = 'is neither true nor false: write one of them, without quotes';
it.each<[string, string]>([
  ['clusters: [{name: c, cluster: {server: 5}}]', `clusters[0].cluster.server ${QUOTES}`],
  [
    'clusters: [{name: c, cluster: {insecure-skip-tls-verify: "true"}}]',
    `clusters[0].cluster.insecure-skip-tls-verify ${NO_QUOTES}`,
  ],
  [
    'clusters: [{name: c, cluster: {insecure-skip-tls-verify: yes}}]',
    `clusters[0].cluster.insecure-skip-tls-verify ${NO_QUOTES}`,
  ],
  ['clusters: [{name: c, cluster: {certificate-authority: 5}}]', `clusters[0].cluster.certificate-authority ${QUOTES}`],
  ['users: [{name: u}, {name: v, user: {token: 12345}}]', `users[1].user.token ${QUOTES}`],
  ['users: [{name: u, user: {tokenFile: 5}}]', `users[0].user.tokenFile ${QUOTES}`],
  [
    'users: [{name: u, user: {exec: {command: x, args: y}}}]',
    'users[0].user.exec.args is not a list: begin each item with -',
  ],
  ['users: [{name: u, user: {exec: {command: x, args: [1]}}}]', `users[0].user.exec.args[0] ${QUOTES}`],
  ['users: [{name: u, user: {exec: {env: [{name: x, value: 1}]}}}]', `users[0].user.exec.env[0].value ${QUOTES}`],
  ['users: [null]', 'users[0] is empty: remove it'],
  ['users: {u: {token: x}}', 'users is not a list: begin each item with -'],
  ['contexts: [{name: x, context: {cluster: c, namespace: 5}}]', `contexts[0].context.namespace ${QUOTES}`],
  ['current-context: 5', `current-context ${QUOTES}`],
])('The error about a field of the wrong type names the kubeconfig and the field: %s', (text, words) => {
  const path = file('types', text);
  expect(() => load({ kubeconfig: path })).toThrow(`Could not read the kubeconfig ${path}: ${words}`);
});

it.each([
  ['as-uid', '5'],
  ['as-user-extra', { scopes: ['view'] }],
])('A user with %s is refused, unless another one is current', (field, value) => {
  const users = (name: string) => [
    { name: 'west', user: { token: 't' } },
    { name, user: { token: 't', as: 'a', [field]: value } },
  ];
  const another = changed({ users: users('east') });
  expect(load({ kubeconfigText: another }).getCurrentUser()?.token).toBe('t');
  const current = changed({ users: users('west').slice(1) });
  expect(() => load({ kubeconfigText: current })).toThrow(
    `The user west of the kubeconfig in KUBECONFIG_CONTENT has ${field},`,
  );
});

it.each([
  ['./plugin', () => join(folder, 'plugin')],
  ['bin/plugin', () => join(folder, 'bin', 'plugin')],
  ['/bin/plugin', () => '/bin/plugin'],
  ['plugin', () => 'plugin'],
])('The command %s of an exec plugin is found as in kubectl', (command, found) => {
  const exec = { apiVersion: 'client.authentication.k8s.io/v1', command };
  const path = file('with-plugin', kubeconfig('west', { exec }));
  expect(load({ kubeconfig: path }).getCurrentUser()?.exec).toEqual({ ...exec, command: found() });
});

it('A field may be null, as in kubectl', () => {
  const text = changed({
    users: [{ name: 'west', user: { token: 't', exec: null, tokenFile: null } }],
    preferences: null,
  });
  expect(load({ kubeconfigText: text }).getCurrentUser()?.token).toBe('t');
});

it.each([
  ['certificate-authority-data', 'bm8=', 'holds no certificate'],
  ['certificate-authority', '/nowhere', '/nowhere: ENOENT: no such file or directory'],
])('The error about a bad %s names the cluster and the kubeconfig', async (field, value, why) => {
  const cluster = { server: 'https://west.example.com', [field]: value };
  await expect(connect({ kubeconfigText: changed({ clusters: [{ name: 'west', cluster }] }) })).rejects.toThrow(
    `Could not use the certificate authority of the cluster west of the kubeconfig in KUBECONFIG_CONTENT: ${why}`,
  );
});

/** A kubeconfig with this server. */
const kubeconfigAt = (server: string) => kubeconfig('west').replace('https://west.example.com', server);

it.each(['https://user:hunter2@127.0.0.1:1', 'https://hunter2@127.0.0.1:1', 'hunter2', 'file:///hunter2'])(
  'A server like %s is refused without its value',
  async (server) => {
    const kubeconfigText = kubeconfigAt(server);
    for (const refused of [connect({ kubeconfigText }), connectLater({ kubeconfigText }, new Troubles())]) {
      const error = await refused.then(String, (caught: unknown) => caught);
      expect(error).toMatchObject({
        name: 'ClusterError',
        message: expect.stringContaining('The cluster west of the kubeconfig in KUBECONFIG_CONTENT') as string,
      });
      expect(inspect(error)).not.toContain('hunter2');
    }
  },
);

it('Messages show scheme, host, port and path of the server, and not its query', async () => {
  const transport = await connect({ kubeconfigText: kubeconfigAt('https://127.0.0.1:1/west/?token=hunter2#hunter2') });
  expect(transport.server).toBe('https://127.0.0.1:1/west');
  const error = await transport.json({ method: 'GET', path: '/version', what: 'get the version' }).catch(inspect);
  expect(error).toContain('https://127.0.0.1:1/west cannot be reached');
  expect(error).not.toContain('hunter2');
  await transport.close();
});

it('A token in place of a file or a context is not shown', () => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.c2lnbmF0dXJl';
  expect(() => load({ kubeconfig: token })).toThrow(
    "Could not read the kubeconfig (hidden): ENOENT: no such file or directory, open '(hidden)'",
  );
  expect(() => load({ kubeconfigText: kubeconfig('west'), context: token })).toThrow(
    'no context (hidden); it has west',
  );
});

const EMPTY = 'is empty: create it again, or use another one';
const BARE = 'has no cluster, no user and no context: create it again, or use another one';
it.each([
  ['is empty', '', EMPTY],
  ['has only blanks', ' \r\n\n', EMPTY],
  ['has only comments', '# A kubeconfig\n  # to be written', EMPTY],
  ['has an empty document', '--- # nothing\n...\n', EMPTY],
  ['has null', '--- null\n', EMPTY],
  ['has a list', '- clusters', BARE],
  ['has a text', 'clusters\n', BARE],
  ['has an empty object', '{}', BARE],
  ['has another object', 'a: b', BARE],
])('The error about a kubeconfig that %s says so, and names it', (_, content, words) => {
  const path = file('other', content);
  vi.stubEnv('HOME', join(folder, 'home'));
  mkdirSync(join(folder, 'home', '.kube'), { recursive: true });
  const ofUser = file(join('home', '.kube', 'config'), content);
  expect(() => load({ kubeconfig: path })).toThrow(`The kubeconfig ${path} ${words}`);
  expect(() => load({ kubeconfigText: content })).toThrow(`The kubeconfig in KUBECONFIG_CONTENT ${words}`);
  expect(() => load({})).toThrow(`The kubeconfig ${ofUser} ${words}`);
});

it('The error about a kubeconfig that is not YAML does not quote it', () => {
  const secret = 'token: [secret';
  const read = () => load({ kubeconfigText: secret });
  expect(read).toThrow('Could not read the kubeconfig in KUBECONFIG_CONTENT: it is not YAML (line 1)');
  expect(() => load({ kubeconfigText: 'users: []\nusers: []' })).toThrow('it has a key twice (line 2)');
  try {
    read();
  } catch (error) {
    expect(String((error as Error).cause)).not.toContain('secret');
  }
});

it.each([
  ['named by its path', '/usr/local/bin/kubelogin', ['get-token', '--server-id', 'x'], true],
  ['with a flag and its value in one argument', 'kubelogin', ['get-token', '--server-id=x'], true],
  ['but not kubelogin for OIDC', 'kubelogin', ['get-token', '--oidc-issuer-url=https://x.example.com'], false],
  ['but not the plugin of AWS', 'aws', ['eks', 'get-token', '--server-id', 'x'], false],
])('The Entra adapter replaces kubelogin for Azure, %s', (_, command, args, isReplaced) => {
  const user = load({
    kubeconfigText: kubeconfig('west', { exec: { apiVersion: 'client.authentication.k8s.io/v1beta1', command, args } }),
    adapt: withEntra,
  }).getCurrentUser();
  expect(user?.exec === undefined).toBe(isReplaced);
});

it('The API server may have a base path, as behind a gateway', async () => {
  const paths: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const given = JSON.parse(kubeconfig('west')) as { clusters: { cluster: object }[] };
  const cluster = { server: `http://127.0.0.1:${port}/k8s/clusters/west/`, 'insecure-skip-tls-verify': true };
  const kubeconfigText = JSON.stringify({ ...given, clusters: [{ name: 'west', cluster }] });
  const transport = await connect({ kubeconfigText });
  try {
    await transport.json({ method: 'GET', path: '/version', what: 'ask' });
    (await transport.stream({ method: 'GET', path: '/readyz?verbose', what: 'ask' })).resume();
    expect(paths).toEqual(['/k8s/clusters/west/version', '/k8s/clusters/west/readyz?verbose']);
  } finally {
    await transport.close();
    server.close();
  }
});
