// npm start: runs a control plane, the forwarder, the functions and a sample Website with one command.
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterAddress } from '../../functions/cluster/credentials.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { API_VERSION, GROUP, PLURAL, type Website } from '../../functions/website/resource.ts';
import { advice } from './terminal/advice.ts';
import { cacheFolder, findBinaries } from './binaries/binaries.ts';
import { startControlPlane, type ControlPlane } from './control-plane/control-plane.ts';
import { officialReleases } from './binaries/download.ts';
import { goBuild } from './binaries/go-build.ts';
import { applyFile, install, installGatewayApi } from './programs/install.ts';
import { contextOf, NAMESPACE } from './programs/kubeconfig.ts';
import { UsageError } from '../usage.ts';
import { optionsFrom, USAGE, type Options } from './options.ts';
import { Processes, ProgramEndedError } from './processes/processes.ts';
import { startForwarder, startFunctions, type ProgramOptions } from './programs/programs.ts';
import { liveLines, websiteLines, type LastEvent } from './terminal/view.ts';

const SAMPLE = '../../../crds/samples/minimal.yaml';
const SAMPLE_KEY = { namespace: 'default', name: 'hello' };
const POLL_MS = 500;

/** Run in reverse order at the end, also after an error. */
const cleanups: (() => Promise<unknown>)[] = [];
const startedAt = performance.now();
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** A signal asked us to stop, which is not an error. */
class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

async function main(options: Options): Promise<void> {
  const stopped = untilStopSignal();
  const say =
    options.output === 'live'
      ? (line: string): void => {
          process.stdout.write(`${line}\n`);
        }
      : () => {};
  const step: Step = async (name, work) => {
    const start = performance.now();
    const result = await Promise.race([work, stopped]);
    say(`  ${name.padEnd(44)} ${seconds(start)}`);
    return result;
  };

  const { local, address, transport } = await prepareCluster(options, step, stopped);
  const events = new Map<string, LastEvent>();
  const onLine: ProgramOptions['onLine'] =
    options.output === 'json'
      ? (line) => {
          process.stdout.write(`${JSON.stringify(line)}\n`);
        }
      : () => {};
  const { processes, folder } = programsIn(local);
  const failure = Promise.race([stopped, processes.failure, local?.failure ?? processes.failure]);
  const programs: ProgramOptions = { processes, folder, transport, address, events, onLine };
  const listening = blamingPort(options.port, Promise.race([startFunctions(options.port, programs), failure]));
  const sink = await step('Functions are listening', listening);
  await step('Forwarder is running', Promise.race([startForwarder(sink, programs), failure]));
  if (local !== undefined) {
    await applyFile(transport, SAMPLE);
    await step('Sample Website is ready', Promise.race([untilSampleIsReady(transport), failure]));
  }

  say(`\nReady after ${seconds(startedAt)}. Kubeconfig: ${address.kubeconfig}\n`);
  for (const line of advice(address, local === undefined ? 'own' : 'local')) say(line);
  const show = options.output === 'live' ? liveLines(process.stdout) : () => {};
  await Promise.race([failure, showContinuously(transport, (websites) => show(websiteLines(websites, events)))]);
}

/** Starts a control plane, or connects to the user's cluster, and installs the CRD and the RBAC rules. */
async function prepareCluster(options: Options, step: Step, stopped: Promise<never>) {
  const local = options.kubeconfig === undefined ? await startLocal(options, step) : undefined;
  const address: ClusterAddress = { kubeconfig: local?.kubeconfig ?? options.kubeconfig, context: options.context };
  const transport = await connect(address);
  cleanups.push(() => transport.close());
  await step(`Reached ${transport.server}`, reach(transport));
  if (local === undefined && options.consent === 'ask')
    await Promise.race([askToInstall(address, transport.server), stopped]);
  await step('Installed the CRD and the RBAC rules', install(transport));
  if (local !== undefined) await step('Installed the CRDs of the Gateway API', installGatewayApi(transport));
  return { local, address, transport };
}

/** The functions' error names the variable PORT, but the user of this command has the flag --port. */
async function blamingPort<T>(port: number, listening: Promise<T>): Promise<T> {
  return listening.catch((error: unknown) => {
    if (port === 0 || !(error instanceof ProgramEndedError)) throw error;
    throw new Error(`--port ${port} cannot be used: ${error.message}`, { cause: error });
  });
}

type Step = <T>(name: string, work: Promise<T>) => Promise<T>;

function untilStopSignal(): Promise<never> {
  const stopped = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => reject(new StoppedError(signal)));
  });
  stopped.catch(() => {});
  return stopped;
}

/** The programs use the control plane's folder, or a temporary one if the cluster is the user's. */
function programsIn(local: ControlPlane | undefined): { processes: Processes; folder: string } {
  const folder = local?.folder ?? mkdtempSync(join(tmpdir(), 'website-reconciler-'));
  mkdirSync(join(folder, 'logs'), { recursive: true });
  const processes = new Processes(join(folder, 'logs'), local === undefined ? folder : undefined);
  cleanups.push(() => processes.stop());
  return { processes, folder };
}

async function startLocal({ data, output }: Options, step: Step): Promise<ControlPlane> {
  const progress = (line: string): void => {
    process.stderr.write(output === 'live' ? `  ${line}\n` : '');
  };
  const sources = [officialReleases(), goBuild()];
  const search = { assets: process.env['KUBEBUILDER_ASSETS'], cache: cacheFolder(process.env), sources, progress };
  const binaries = await step('Found the programs of the control plane', findBinaries(search));
  const starting = startControlPlane({ binaries, data });
  // Registered before the control plane is ready, so that a signal during the start leaves nothing behind.
  cleanups.push(async () => (await starting.catch(() => undefined))?.stop());
  return step('Control plane is ready', starting);
}

async function reach(transport: Transport): Promise<void> {
  await transport.json({ method: 'GET', path: '/version', what: 'reach the cluster' });
}

async function askToInstall(address: ClusterAddress, server: string): Promise<void> {
  const what = `the CRD ${PLURAL}.${GROUP}, the namespace ${NAMESPACE} and its RBAC`;
  const question = `Install ${what} in context ${contextOf(address)} at ${server}? [y/N] `;
  if (!process.stdin.isTTY)
    throw new UsageError('Cannot ask before installing the CRD, because stdin is not a terminal: pass --yes to agree');
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question(question);
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('Cancelled: nothing was installed');
}

async function untilSampleIsReady(transport: Transport): Promise<void> {
  const path = `/apis/${API_VERSION}/namespaces/${SAMPLE_KEY.namespace}/${PLURAL}/${SAMPLE_KEY.name}`;
  for (;;) {
    const website = (await transport.json({ method: 'GET', path, what: 'get the sample' })) as Website;
    const ready = website.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status === 'True' && ready.observedGeneration === website.metadata.generation) return;
    await delay(POLL_MS / 10);
  }
}

async function showContinuously(transport: Transport, show: (websites: readonly Website[]) => void): Promise<never> {
  for (;;) {
    const list = { method: 'GET', path: `/apis/${API_VERSION}/${PLURAL}`, what: `list ${PLURAL}` } as const;
    // The cluster may be away for a moment. If its programs end, `failure` reports it.
    const body = await transport.json(list).catch(() => undefined);
    if (body !== undefined) show((body as { items: Website[] }).items);
    await delay(POLL_MS);
  }
}

async function cleanUp(): Promise<void> {
  for (const each of cleanups.toReversed()) {
    await each().catch((error: unknown) =>
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`),
    );
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof StoppedError) return 0;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return error instanceof UsageError ? 2 : 1;
}

try {
  const options = optionsFrom(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else await main(options);
} catch (error) {
  process.exitCode = exitCodeOf(error);
} finally {
  await cleanUp();
}
process.exit();
