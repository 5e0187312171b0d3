import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { startControlPlane } from '../../../infra/local/control-plane/control-plane.ts';
import { writeCredentials } from '../../../infra/local/control-plane/credentials.ts';
import { keptFolder, releasedFolder } from '../../../infra/local/control-plane/data-folder.ts';
import { controllerFlags } from '../../../infra/local/control-plane/program-flags.ts';
import { ProgramEndedError } from '../../../infra/local/processes/processes.ts';
import { PROGRAMS, type Binaries } from '../../../infra/local/binaries/versions.ts';
import { eventually } from '../../eventually.ts';
import { isAlive, pidsIn, resume, suspend } from '../alive.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-plane-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Stand-ins: an etcd that records each start and ends with this line, and other programs that only wait. */
function standIns(lastWords: string): Binaries {
  const write = (name: string, script: string) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  };
  const others = Object.fromEntries(PROGRAMS.map((program) => [program, write(program, 'exec sleep 600')]));
  const etcd = write('etcd', `echo started >> ${join(folder, 'starts')}\necho '${lastWords}' >&2\nexit 1`);
  return { ...(others as Binaries), etcd };
}
const starts = () => readFileSync(join(folder, 'starts'), 'utf8').trim().split('\n').length;

it('A control plane whose etcd fails reports it without another try, and releases its folder', async () => {
  const data = join(folder, 'data');
  await expect(startControlPlane({ binaries: standIns('disk is full'), data })).rejects.toThrow(
    'etcd ended unexpectedly (exit code 1):\ndisk is full',
  );
  expect(starts()).toBe(1);
  expect(readdirSync(data)).not.toContain('in-use-by');
});

const ADVICE = 'Delete the folder, or choose another with --data.';
const messageOf = async (starting: Promise<unknown>): Promise<string> =>
  starting.then(
    () => 'It started',
    (error: Error) => error.message,
  );

/** A folder that an earlier control plane has left. */
async function usedFolder(): Promise<string> {
  const data = join(folder, 'data');
  await messageOf(startControlPlane({ binaries: standIns('no'), data }));
  return data;
}

it.each([
  ['ca.crt', 'empty', '', 'is damaged'],
  ['ca.crt', 'garbage', 'garbage', 'is damaged'],
  ['ca.key', 'empty', '', 'is damaged'],
  ['ca.key', 'garbage', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'is damaged'],
  ['service-account.key', 'empty', '', 'is damaged'],
  ['service-account.pub', 'empty', '', 'is damaged'],
  [
    'ca.crt',
    'too large',
    'x'.repeat(1_048_577),
    'cannot be read (it is larger than 1048576 bytes: check that it is the right file)',
  ],
  ['ca.crt', 'missing', undefined, 'cannot be read (ENOENT)'],
  ['service-account.pub', 'missing', undefined, 'cannot be read (ENOENT)'],
])('A kept folder whose file pki/%s is %s leads to an error that names it', async (name, _, text, why) => {
  const data = await usedFolder();
  const file = join(data, 'pki', name);
  if (text === undefined) rmSync(file);
  else writeFileSync(file, text);
  const message = await messageOf(startControlPlane({ binaries: standIns('no'), data }));
  expect(message).toBe(`--data ${data} cannot be used: ${file} ${why}. ${ADVICE}`);
  expect(readdirSync(data)).not.toContain('in-use-by');
});

it.each([
  ['ca.crt', 'ca.key'],
  ['service-account.pub', 'service-account.key'],
])('A kept folder whose file pki/%s is that of another folder leads to an error', async (name, other) => {
  const data = await usedFolder();
  const elsewhere = join(folder, 'elsewhere');
  await messageOf(startControlPlane({ binaries: standIns('no'), data: elsewhere }));
  copyFileSync(join(elsewhere, 'pki', name), join(data, 'pki', name));
  const message = await messageOf(startControlPlane({ binaries: standIns('no'), data }));
  const pki = join(data, 'pki');
  expect(message).toContain(`${join(pki, name)} does not belong to ${join(pki, other)}. ${ADVICE}`);
});

it('A program that ends at the start in a kept folder leads to advice about the folder', async () => {
  const data = await usedFolder();
  expect(await messageOf(startControlPlane({ binaries: standIns('wal: crc mismatch'), data }))).toBe(
    `etcd ended unexpectedly (exit code 1):\nwal: crc mismatch\nThe files in --data ${data} may be damaged. ${ADVICE}`,
  );
  expect(await messageOf(startControlPlane({ binaries: standIns('no space left on device'), data }))).not.toContain(
    'damaged',
  );
});

/** An API server that is ready at once. */
const READY = `
  const flags = Object.fromEntries(process.argv.slice(2).map((flag) => flag.slice(2).split('=')));
  const read = (name) => require('node:fs').readFileSync(flags[name]);
  const credentials = { cert: read('tls-cert-file'), key: read('tls-private-key-file') };
  require('node:https').createServer(credentials, (_, response) => response.end('{}')).listen(flags['secure-port'], '127.0.0.1');`;

it('A kwok that crashes is started again, with a warning', async () => {
  const [etcd, server, kwok] = [
    join(folder, 'waiting-etcd'),
    join(folder, 'server.cjs'),
    join(folder, 'crashing-kwok'),
  ];
  writeFileSync(etcd, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  writeFileSync(server, `#!${process.execPath}${READY}`, { mode: 0o755 });
  writeFileSync(kwok, `#!/bin/sh\nmkdir ${folder}/crashed && kill -KILL $$\nexec sleep 600\n`, { mode: 0o755 });
  const warnings: string[] = [];
  const binaries = { ...standIns(''), etcd, kwok, 'kube-apiserver': server };
  const controlPlane = await startControlPlane({ binaries, warn: (text) => warnings.push(text) });
  onTestFinished(() => controlPlane.stop());
  await eventually(() => expect(warnings).toEqual(['kwok ended (SIGKILL) and was started again']));
});

describe.each(['new', 'used'])('An etcd that ends after the start in a kept folder that was %s', (age) => {
  it.each([
    ['panics', 'echo "panic: page 3" >&2; exit 2', 'exit code 2', true],
    ['finds a full disk', 'echo "no space left on device" >&2; exit 1', 'exit code 1', false],
    ['is killed', 'kill -KILL $$', 'SIGKILL', false],
  ])('%s: it leads to advice about the folder only if that may help', async (_, script, how, isAdvised) => {
    const data = age === 'used' ? await usedFolder() : join(folder, 'data');
    const go = join(folder, 'go');
    const [etcd, server] = [join(folder, 'late-etcd'), join(folder, 'server.cjs')];
    writeFileSync(etcd, `#!/bin/sh\nuntil [ -e ${go} ]; do sleep 0.05; done\n${script}\n`, { mode: 0o755 });
    writeFileSync(server, `#!${process.execPath}${READY}`, { mode: 0o755 });
    const binaries = { ...standIns(''), etcd, 'kube-apiserver': server };
    const controlPlane = await startControlPlane({ binaries, data, controllers: 'off' });
    try {
      const message = messageOf(controlPlane.failure);
      writeFileSync(go, '');
      expect(await message).toMatch(`etcd ended unexpectedly (${how}):`);
      expect((await message).includes(`\nThe files in --data ${data} may be damaged. ${ADVICE}`)).toBe(isAdvised);
    } finally {
      await controlPlane.stop();
    }
  });
});

it('A control plane tries other ports when one was taken in the meantime', async () => {
  const binaries = standIns('listen tcp 127.0.0.1:1: bind: address already in use');
  const error = await startControlPlane({ binaries }).catch((thrown: ProgramEndedError) => thrown);
  if (!(error instanceof ProgramEndedError)) throw new Error('It started');
  expect(error.message).toContain('address already in use');
  expect(starts()).toBe(3);
  // The logs of the last attempt are kept, because it is the one that failed.
  expect(readFileSync(join(error.logs, 'etcd.log'), 'utf8')).toContain('address already in use');
  rmSync(dirname(error.logs), { recursive: true });
});

it('A folder belongs to one control plane at a time', () => {
  const data = join(folder, 'data');
  const { path, leftover } = keptFolder(data);
  expect(() => keptFolder(data)).toThrow(`--data ${data} cannot be used: process ${process.pid} is using it`);
  rmSync(leftover);
  expect(keptFolder(data).path).toBe(path);
});

it('A folder whose owner has ended can be used again', () => {
  const { leftover } = keptFolder(folder);
  // Above the largest process id of Linux and macOS.
  writeFileSync(leftover, String(2 ** 30));
  expect(keptFolder(folder).leftover).toBe(leftover);
  expect(readFileSync(leftover, 'utf8')).toBe(String(process.pid));
});

it('A folder with other files is refused and left unchanged', () => {
  writeFileSync(join(folder, 'notes.md'), '');
  expect(() => keptFolder(folder)).toThrow(`--data ${folder} cannot be used: it contains other files: choose an empty`);
  expect(readdirSync(folder)).toEqual(['notes.md']);
});

it('A folder of an earlier control plane can be used again, even with other files in it', async () => {
  const data = join(folder, 'data');
  await expect(startControlPlane({ binaries: standIns('no'), data })).rejects.toThrow('etcd ended');
  writeFileSync(join(data, 'notes.md'), '');
  expect(keptFolder(data).path).toBe(data);
});

it('A folder is used by its absolute path, because kubeconfigs name files in it', () => {
  const { path, leftover } = keptFolder(`${folder}/a/../data`);
  expect(path).toBe(join(folder, 'data'));
  expect(leftover).toBe(join(folder, 'data', 'in-use-by'));
});

it('A file in place of the folder is refused with an error that names the flag', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  expect(() => keptFolder(file)).toThrow(`--data ${file} cannot be used: EEXIST`);
});

it('The node controller tolerates missing heartbeats of the simulated node', async () => {
  const flags = await controllerFlags('kubeconfig', await writeCredentials(folder));
  // With the default, its Pods would be unready after 50 s. A test of that would take too long.
  expect(flags).toContain('--node-monitor-grace-period=8760h');
});

it('A start waits until the process that uses the folder has ended, and says so once', async () => {
  const data = join(folder, 'data');
  const owner = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  mkdirSync(data);
  writeFileSync(join(data, 'in-use-by'), String(owner.pid));
  const notes: string[] = [];
  const note = (line: string) => {
    notes.push(line);
    owner.stdin.end();
  };
  expect((await releasedFolder(data, note)).path).toBe(data);
  expect(notes).toEqual([`Waiting up to 10 s for process ${owner.pid} to release --data ${data}`]);
  expect(readFileSync(join(data, 'in-use-by'), 'utf8')).toBe(String(process.pid));
});

it('A folder whose lock disappears just before it is read can be used', () => {
  // A link to nothing is like that: it exists, and reading it says that it does not.
  symlinkSync(join(folder, 'nothing'), join(folder, 'in-use-by'));
  const { leftover } = keptFolder(folder);
  expect(readFileSync(leftover, 'utf8')).toBe(String(process.pid));
});

/** Starts a control plane in a process of its own, in the folder `data`, and waits until its etcd runs. */
async function startElsewhere(data: string) {
  const pids = join(folder, 'pids');
  const etcd = join(folder, 'waiting-etcd');
  writeFileSync(etcd, `#!/bin/sh\necho $$ > ${pids}\nexec sleep 600\n`, { mode: 0o755 });
  const module = new URL('../../../infra/local/control-plane/control-plane.ts', import.meta.url).href;
  const script = `import { startControlPlane } from '${module}';
    await startControlPlane(${JSON.stringify({ binaries: { ...standIns(''), etcd }, data })});`;
  const start = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  onTestFinished(() => void start.kill('SIGKILL'));
  const [etcdPid = 0] = await eventually(() => pidsIn(pids));
  return { start, etcdPid };
}

it.runIf(process.platform === 'linux')(
  'A folder whose start was killed is free only once its guardian has cleaned up',
  async () => {
    const data = join(folder, 'data');
    const lock = join(data, 'in-use-by');
    const { start, etcdPid } = await startElsewhere(data);
    const [, guardian] = readFileSync(lock, 'utf8').split(' ').map(Number);
    if (guardian === undefined) throw new Error('The lock does not name the guardian');
    onTestFinished(() => resume(guardian));
    await suspend(guardian);
    start.kill('SIGKILL');
    await once(start, 'exit');
    const notes: string[] = [];
    const note = (line: string) => {
      notes.push(line);
      expect(isAlive(etcdPid)).toBe(true);
      resume(guardian);
    };
    await releasedFolder(data, note);
    expect(isAlive(etcdPid)).toBe(false);
    expect(notes).toEqual([`Waiting up to 10 s for process ${guardian} to release --data ${data}`]);
    await eventually(() => expect(isAlive(guardian)).toBe(false));
    expect(readFileSync(lock, 'utf8')).toBe(String(process.pid));
  },
);

it('A start does not wait for ever, and waits for no other error', async () => {
  const data = join(folder, 'data');
  keptFolder(data);
  const notes: string[] = [];
  const note = (line: string) => void notes.push(line);
  await expect(releasedFolder(data, note, 200)).rejects.toThrow(
    `process ${process.pid} is using it: stop that process`,
  );
  expect(notes).toHaveLength(1);
  writeFileSync(join(folder, 'mine'), '');
  await expect(releasedFolder(folder, note)).rejects.toThrow('it contains other files');
  expect(notes).toHaveLength(1);
});
