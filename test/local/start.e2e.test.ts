import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import type { Website } from '../../functions/website/resource.ts';
import { cacheFolder } from '../../infra/local/binaries/binaries.ts';
import { install } from '../../infra/local/programs/install.ts';
import { eventually } from '../eventually.ts';
import { freePort } from '../free-port.ts';
import { startCommand, startProgram, type Program } from '../program.ts';
import { found } from './npm-start.ts';

const START = 'infra/local/start.ts';

let program: Program | undefined;
afterEach(() => program?.stop());

interface Running {
  readonly program: Program;
  readonly kubeconfig: string;
  readonly pids: number[];
}

/** Starts it for one test, which stops it in the end. */
async function up(args: readonly string[] = []): Promise<Running> {
  program = startProgram(START, args, found);
  return isUp(program);
}

async function isUp(started: Program): Promise<Running> {
  const kubeconfig = await eventually(
    () => {
      const line = started.lines.map(({ msg }) => String(msg)).find((each) => each.includes('export KUBECONFIG='));
      if (line === undefined)
        throw new Error(`It is not up: ${JSON.stringify(started.lines)} ${started.stderr.join('')}`);
      return line.split('KUBECONFIG=')[1] ?? '';
    },
    { deadlineMs: 60_000 },
  );
  return { program: started, kubeconfig, pids: processesIn(dirname(kubeconfig)) };
}

/** The process whose command line has this text. */
function pidOf(text: string, { pids }: Running): number {
  const pid = pids.find((each) => readFileSync(`/proc/${each}/cmdline`, 'utf8').includes(text));
  if (pid === undefined) throw new Error(`${text} does not run`);
  return pid;
}

/** Ends it, and sees that it leaves nothing behind. @returns its exit code. */
async function endedBy(
  signal: NodeJS.Signals,
  { program: running, kubeconfig, pids }: Running,
): Promise<number | null> {
  // etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kwok, the functions and the forwarder.
  expect(pids).toHaveLength(7);
  running.process.kill(signal);
  const code = await running.exit;
  await eventually(() => {
    expect(processesIn(dirname(kubeconfig))).toEqual([]);
    expect(existsSync(dirname(kubeconfig))).toBe(false);
  });
  return code;
}

/** The programs are found in this cache as usual, but other npm starts of this machine are not. */
function ownCache(): string {
  const cache = mkdtempSync(join(tmpdir(), 'cache-'));
  mkdirSync(join(cache, 'website-reconciler'));
  const programs = cacheFolder(found);
  for (const name of readdirSync(programs).filter((each) => /-v\d/.test(each)))
    symlinkSync(join(programs, name), join(cache, 'website-reconciler', name));
  return cache;
}

const website = (cache: string, ...args: string[]): Program =>
  startProgram('infra/local/website.ts', args, { ...found, XDG_CACHE_HOME: cache });

const kubectl = (cache: string, ...args: string[]): Program =>
  startProgram('infra/local/kubectl.ts', args, { ...found, XDG_CACHE_HOME: cache, KUBECONFIG: '/nowhere' });

/** The processes whose command line names the folder: the programs of the control plane, and ours. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) || environment.includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

describe.runIf(process.platform === 'linux')('npm start', () => {
  it('leaves no process and no file behind after SIGKILL', async () => {
    expect(await endedBy('SIGKILL', await up())).toBeNull();
  });

  it('ends without an error when the reader of its output ends', async () => {
    program = startProgram(START, [], found);
    program.process.stdout?.destroy();
    expect(await program.exit).toBe(0);
    expect(program.stderr.join('')).not.toContain('EPIPE');
  });

  it('keeps its data with --data, continues from it, and says what to do if etcd panics', async () => {
    const data = mkdtempSync(join(tmpdir(), 'kept-'));
    try {
      const first = await up(['--data', relative('', data)]);
      const uid = await sampleUid(first.kubeconfig);
      await withTransport(first.kubeconfig, (transport) => scale(transport, 4));
      const other = startProgram(START, ['--data', data], found);
      expect(await other.exit).toBe(1);
      expect(other.stderr.join('')).toContain(`--data ${data} cannot be used: process ${first.program.process.pid}`);
      expect(await sampleUid(first.kubeconfig)).toBe(uid);
      await first.program.stop();
      const second = await up(['--data', data]);
      expect(await sampleUid(second.kubeconfig)).toBe(uid);
      await withTransport(second.kubeconfig, async (transport) =>
        eventually(async () => expect(await readyReplicasOf(transport)).toBe(4)),
      );
      // Go's programs end with exit code 2, as after a panic.
      process.kill(pidOf('--listen-peer-urls', second), 'SIGQUIT');
      expect(await second.program.exit).toBe(1);
      const problem = second.program.stderr.join('');
      expect(problem).toMatch(/etcd ended unexpectedly \(exit code 2\):\n.+/);
      expect(problem).toContain(`The files in --data ${data} may be damaged. Delete the folder`);
    } finally {
      rmSync(data, { recursive: true, force: true });
    }
  }, 180_000);

  it("runs against the user's own cluster with --kubeconfig", async () => {
    const { kubeconfig } = await up(['--kubeconfig', inject('kubeconfig'), '--yes']);
    expect(kubeconfig).toBe(inject('kubeconfig'));
  });

  it('names the flag when the port is busy', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const port = String((server.address() as AddressInfo).port);
    program = startProgram(START, ['--kubeconfig', inject('kubeconfig'), '--yes', '--port', port], found);
    expect(await program.exit).toBe(2);
    expect(program.stderr.join('')).toContain(`--port ${port} cannot be used`);
    expect(program.text).toEqual([]);
    server.close();
  });

  it('names a program that ended, prints the end of its log, stops the others and keeps the logs', async () => {
    const running = await up();
    const folder = dirname(running.kubeconfig);
    const log = join(folder, 'logs', 'website-functions.log');
    await eventually(() => expect(readFileSync(log, 'utf8')).toContain('Reconciled Website'));
    process.kill(pidOf('functions/node.ts', running), 'SIGKILL');
    expect(await running.program.exit).toBe(1);
    const text = running.program.stderr.join('');
    expect(text).toMatch(/website-functions ended unexpectedly \(SIGKILL\):\n.+/);
    expect(text).toContain(`The logs are kept in ${folder}/logs`);
    expect(processesIn(folder)).toEqual([]);
    expect(readdirSync(folder)).toEqual(['logs']);
    expect(readFileSync(log, 'utf8')).toContain('Reconciled Website');
    rmSync(folder, { recursive: true });
  });

  it('prints the logs of both programs as JSON with --json, sends telemetry with --otlp, and leaves no process and no file behind after SIGINT', async () => {
    const collector = await collectorOfPage();
    program = startProgram(START, ['--json', '--otlp', collector.url], found);
    await program.line('Reconciled Website');
    await program.line('Delivered event');
    const { kubeconfig = '', page, functions, forwarder, logs } = await program.line('Ready');
    for (const { program: name } of program.lines) expect(name).toMatch(/^(website-(functions|forwarder)|npm start)$/);
    expect(existsSync(String(kubeconfig))).toBe(true);
    expect(readdirSync(String(logs))).toContain('etcd.log');
    for (const url of [page, functions, forwarder]) expect((await fetch(String(url))).status).toBeGreaterThan(0);
    for (const sent of ['website.reconcile.duration', 'website-functions', 'website-forwarder'])
      await eventually(() => expect(collector.text.join('\n')).toContain(`"${sent}"`));
    const running = { program, kubeconfig: String(kubeconfig), pids: processesIn(dirname(String(kubeconfig))) };
    expect(await endedBy('SIGINT', running)).toBe(0);
  });
});

/** The collector in docs/deploy/local.md, which prints what it gets. */
async function collectorOfPage(): Promise<Program & { readonly url: string }> {
  const [, script = ''] = /^node -e '(.*)'$/m.exec(readFileSync('docs/deploy/local.md', 'utf8')) ?? [];
  const port = await freePort();
  const running = startCommand([process.execPath, '-e', script.replace('4318', String(port))], {});
  onTestFinished(() => void running.process.kill());
  return { ...running, url: `http://127.0.0.1:${port}` };
}

/** Times, ports and folders differ from run to run. */
const withoutNumbers = (line: string): string =>
  line
    .replaceAll(/ +\d+\.\d s/g, ' N s')
    .replaceAll(/:\d+\//g, ':PORT/')
    .replaceAll(/\/\S*website-reconciler-\w+/g, 'FOLDER');

describe.runIf(process.platform === 'linux')('npm start, while it runs,', () => {
  let cache: string;
  let running: Running;
  const text = () => running.program.text.join('\n');

  beforeAll(async () => {
    cache = ownCache();
    running = await isUp(startProgram(START, [], { ...found, XDG_CACHE_HOME: cache, KUBECONFIG: '/nowhere' }));
  });
  afterAll(async () => {
    await running?.program.stop();
    rmSync(cache, { recursive: true });
  });

  it('shows the sample ready, and its last change', async () => {
    // The first resync of the functions may make some or all of the children before the event comes. So the rest of the text varies.
    await eventually(() => expect(text()).toMatch(/default\/hello +✔ Available +2\/2 +create (Deployment|Service)/));
    // The steps, the summary and the table.
    expect(running.program.text.length).toBeLessThan(40);
  });

  it('is healthy from the first second on, as npm run website -- doctor says', async () => {
    const doctor = website(cache, 'doctor');
    expect([await doctor.exit, doctor.text.filter((line) => !line.startsWith('ok '))]).toEqual([0, []]);
  });

  it.each(['README.md', 'docs/deploy/local.md'])('prints what %s shows', (page) => {
    const [, shown = ''] = /```console\n(✔.*?)(?:\n +WEBSITE .*?)?\n```/s.exec(readFileSync(page, 'utf8')) ?? [];
    expect(shown).toContain('✔ Sample Website');
    const printed = running.program.text.flatMap((part) => part.split('\n')).map(withoutNumbers);
    expect(printed).toEqual(expect.arrayContaining(shown.split('\n').map(withoutNumbers)));
    const steps = (lines: readonly string[]) => lines.filter((line) => line.startsWith('✔'));
    expect(steps(shown.split('\n').map(withoutNumbers))).toEqual(steps(printed));
  });

  it("can be reached with npm run kubectl, even if the shell's KUBECONFIG names another file", async () => {
    expect(running.program.text[1]).toBe('  npm start -- --kubeconfig /nowhere');
    const get = kubectl(cache, 'get', 'web', '-o', 'name');
    expect(await get.exit).toBe(0);
    expect(get.text).toEqual(['website.stable.example.com/hello']);
    expect(await kubectl(cache, 'get', 'web', 'missing').exit).toBe(1);
  });

  it('shows warnings, and renews tokens that the API server refuses', async () => {
    const accounts = '/api/v1/namespaces/website-reconciler/serviceaccounts';
    await withTransport(running.kubeconfig, async (transport) => {
      await transport.json({ method: 'DELETE', path: accounts, what: 'delete the ServiceAccounts' });
      // The API server accepts a known token for some seconds without checking it.
      let replicas = 3;
      await eventually(
        async () => {
          await scale(transport, ++replicas);
          expect(text()).toMatch(/^! .*Unauthorized/m);
        },
        { everyMs: 1_000 },
      );
      await install(transport);
      await eventually(async () => expect(await readyReplicasOf(transport)).toBe(replicas));
    });
  });

  it('goes on if KWOK crashes', async () => {
    process.kill(pidOf('/kwok-', running), 'SIGKILL');
    await withTransport(running.kubeconfig, async (transport) => {
      // More than any test before it asked for.
      await scale(transport, 40);
      await eventually(async () => expect(await readyReplicasOf(transport)).toBe(40));
    });
    expect(text()).not.toContain('ended unexpectedly');
  });

  it('leaves no process and no file behind after SIGTERM, and says so', async () => {
    expect(await endedBy('SIGTERM', running)).toBe(0);
    expect(running.program.text.at(-1)).toBe('Stopped. Nothing was left behind: no program, no file.');
    expect(readdirSync(join(cache, 'website-reconciler', 'running'))).toEqual([]);
  });
});

it('npm run kubectl says that npm start does not run', async () => {
  const cache = ownCache();
  const none = kubectl(cache, 'get', 'web');
  expect(await none.exit).toBe(1);
  expect(none.stderr.join('')).toContain('npm start does not run');
  rmSync(cache, { recursive: true });
});

describe('npm start with a cluster', () => {
  it.each([
    [
      'that cannot be reached',
      ['--kubeconfig', 'test/fixtures/unreachable.kubeconfig', '--yes'],
      1,
      'https://127.0.0.1:1 cannot be reached',
    ],
    ['whose kubeconfig is missing', ['--kubeconfig', '/nowhere'], 1, 'Could not read the kubeconfig /nowhere'],
  ])('%s reports the problem', async (_, args, code, message) => {
    program = startProgram(START, args);
    expect(await program.exit).toBe(code);
    expect(program.stderr.join('')).toContain(message);
  });

  it('that it has not prepared yet installs nothing without --yes', async () => {
    program = startProgram(START, ['--kubeconfig', inject('kubeconfig')]);
    expect(await program.exit).toBe(2);
    expect(program.stderr.join('')).toContain('pass --yes');
  });

  it('whose user lacks a right names the verb and the resource', async () => {
    program = startProgram(START, ['--kubeconfig', inject('forwarderKubeconfig'), '--yes']);
    expect(await program.exit).toBe(1);
    expect(program.stderr.join('')).toMatch(/cannot patch resource "customresourcedefinitions"/);
  });
});

const SAMPLE = '/apis/stable.example.com/v1/namespaces/default/websites/hello';

async function withTransport<T>(kubeconfig: string, work: (transport: Transport) => Promise<T>): Promise<T> {
  const transport = await connect({ kubeconfig });
  try {
    return await work(transport);
  } finally {
    await transport.close();
  }
}

const sampleUid = (kubeconfig: string): Promise<string | undefined> =>
  withTransport(kubeconfig, async (transport) => (await sampleIn(transport)).metadata.uid);

const sampleIn = async (transport: Transport): Promise<Website> =>
  (await transport.json({ method: 'GET', path: SAMPLE, what: 'get the sample' })) as Website;

const readyReplicasOf = async (transport: Transport): Promise<number | undefined> =>
  (await sampleIn(transport)).status?.readyReplicas;

async function scale(transport: Transport, replicas: number): Promise<void> {
  const contentType = 'application/merge-patch+json';
  await transport.json({ method: 'PATCH', path: SAMPLE, what: 'scale', contentType, body: { spec: { replicas } } });
}
