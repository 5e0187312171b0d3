// Kubeconfigs that cannot work. Some are given to the built programs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { connect } from '../../../functions/cluster/transport.ts';
import { startForwarder, startFunctions, type Program } from '../../program.ts';

/** Stands in each secret. */
const HUSH = 'hunter2-marker';
const V1 = 'client.authentication.k8s.io/v1';
const TOKEN = { token: HUSH };
/** Of the user and of the cluster. The secret of the first is in what another program prints. */
const SHOWN = new Set(['an exec plugin that fails', 'a server with credentials']);
const SERVER = { server: 'https://127.0.0.1:1' };

let folder: string;
let programs: readonly Program[] = [];
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'kubeconfigs-'))));
afterAll(() => rmSync(folder, { recursive: true }));

// One that starts is a failure, and would go on.
afterEach(async () => {
  for (const program of programs) await program.stop();
});

type Case = [string, user: object, cluster: object, subject: string, toDo: string];

const CASES: readonly Case[] = [
  ['a user name and a password', { username: 'admin', password: HUSH }, SERVER, 'user u', 'give its user a token'],
  ['a password besides a token', { ...TOKEN, password: HUSH }, SERVER, 'user u', 'give its user a token'],
  ['an auth-provider that was removed', provider('gcp'), SERVER, 'user u', 'exec plugin gke-gcloud-auth-plugin'],
  ['another one that was removed', provider('azure'), SERVER, 'user u', 'exec plugin kubelogin'],
  ['an unknown auth-provider', provider('other'), SERVER, 'user u', 'give its user a token'],
  ['an exec plugin of a removed version', plugin(`${V1}alpha1`), SERVER, 'user u', 'update the plugin'],
  ['an exec plugin of no version', plugin(undefined), SERVER, 'user u', 'update the plugin'],
  ['an exec plugin without a command', { exec: { apiVersion: V1 } }, SERVER, 'user u', 'add the command'],
  ['a client certificate without a key', { 'client-certificate-data': 'eA==' }, SERVER, 'user u', 'add client-key'],
  ['a client key without a certificate', { 'client-key-data': 'eA==' }, SERVER, 'user u', 'add client-certificate'],
  ['impersonated groups', { ...TOKEN, as: 'a', 'as-groups': ['b'] }, SERVER, 'user u', 'has as-groups, which'],
  ['nothing that it understands', { secret: HUSH }, SERVER, 'user u', 'use a token'],
  ['a token file that is missing', { tokenFile: '/nowhere', token: HUSH }, SERVER, 'user u', '/nowhere: ENOENT'],
  [
    'a token file of an auth-provider',
    provider('file', { tokenFile: '/nowhere' }),
    SERVER,
    'user u',
    '/nowhere: ENOENT',
  ],
  ['an exec plugin that fails', plugin(V1, `echo ${HUSH} >&2; exit 1`), SERVER, 'user u', 'run kubectl'],
  [
    'an exec plugin that is missing',
    { exec: { apiVersion: V1, command: '/nowhere', args: [HUSH] } },
    SERVER,
    'user u',
    'install it',
  ],
  ['an exec plugin that answers nonsense', plugin(V1, `echo ${HUSH}`), SERVER, 'user u', 'no ExecCredential'],
  ['an exec plugin without credentials', plugin(V1, 'echo {}'), SERVER, 'user u', 'no ExecCredential'],
  [
    'an exec plugin whose status is null',
    plugin(V1, 'echo \'{"status":null}\''),
    SERVER,
    'user u',
    'no ExecCredential',
  ],
  ['a server of another scheme', TOKEN, { server: `ftp://${HUSH}` }, 'cluster c', 'write https://HOST:PORT'],
  ['a server without a scheme', TOKEN, { server: `${HUSH}:6443` }, 'cluster c', 'write https://HOST:PORT'],
  ['a server with credentials', TOKEN, { server: `https://a:${HUSH}@b` }, 'cluster c', 'remove them'],
  ['a server without TLS', TOKEN, { server: 'http://127.0.0.1:1' }, 'cluster c', 'use https'],
  [
    'an authority that is not used',
    TOKEN,
    { ...SERVER, 'insecure-skip-tls-verify': true, 'certificate-authority': '/nowhere' },
    'cluster c',
    'remove one of them',
  ],
  ['a proxy', TOKEN, { ...SERVER, 'proxy-url': `http://a:${HUSH}@b` }, 'cluster c', 'is not supported'],
];

function fileOf([, user, cluster]: Case): string {
  const file = join(folder, 'kubeconfig');
  const contexts = [{ name: 'x', context: { cluster: 'c', user: 'u' } }];
  const entries = {
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts,
    'current-context': 'x',
  };
  writeFileSync(file, JSON.stringify(entries));
  return file;
}

function expectRefusal(text: string, file: string, [, , , subject, toDo]: Case): void {
  expect(text).toContain(`${subject} of the kubeconfig ${file}`);
  expect(text).toContain(toDo);
  expect(text).not.toContain(HUSH);
}

it.each(CASES)('A kubeconfig with %s is refused, and the error says where it is and what to do', async (...each) => {
  const file = fileOf(each);
  const error: unknown = await connect({ kubeconfig: file }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Error);
  expectRefusal(messageOf(error), file, each);
});

// The others are refused in the same call of both programs.
it.each(CASES.filter(([name]) => SHOWN.has(name)))('Both programs end with the error about %s', async (...each) => {
  const file = fileOf(each);
  programs = [
    startFunctions({ KUBECONFIG: file }),
    startForwarder(['--sink', 'http://127.0.0.1:1', '--host', '127.0.0.1', '--port', '0'], { KUBECONFIG: file }),
  ];
  for (const program of programs) {
    expect(await program.exit).toBe(1);
    expectRefusal(program.stderr.join('') + program.text.join(''), file, each);
  }
});

it('Both programs skip the missing files of a list, as kubectl does, and name one that is missing alone', async () => {
  const given = (kubeconfig: string) => {
    const environment = { KUBECONFIG: kubeconfig };
    programs = [
      startFunctions(environment),
      startForwarder(['--sink', 'http://127.0.0.1:1', '--host', '127.0.0.1', '--port', '0'], environment),
    ];
    return programs;
  };
  const file = join(folder, 'plain');
  // What follows from the file that exists.
  writeFileSync(file, JSON.stringify({ clusters: [{ name: 'c', cluster: SERVER }] }));
  for (const program of given(['/nowhere', file].join(delimiter))) {
    expect(await program.exit).toBe(1);
    expect(program.stderr.join('')).toContain('names no current cluster');
  }
  for (const program of given('/nowhere')) {
    expect(await program.exit).toBe(1);
    expect(program.stderr.join('')).toContain('Could not read the kubeconfig /nowhere: ENOENT');
  }
});

function provider(name: string, config: object = { 'access-token': HUSH }): object {
  return { 'auth-provider': { name, config } };
}

function plugin(apiVersion: string | undefined, script = HUSH): object {
  return { exec: { apiVersion, command: 'sh', args: ['-c', script] } };
}
