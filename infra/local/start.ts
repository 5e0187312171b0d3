// npm start: runs a control plane, the forwarder, the functions and a sample Website with one command.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../functions/cluster/causes.ts';
import { UsageError } from '../usage.ts';
import { cacheFolder } from './binaries/binaries.ts';
import { isOnPath } from './binaries/executable.ts';
import type { ControlPlane } from './control-plane/control-plane.ts';
import { temporaryFolder } from './control-plane/data-folder.ts';
import { checkPorts } from './free-ports.ts';
import { optionsFrom, USAGE, type Options } from './options.ts';
import { NO_PAGE, startPage, type Page } from './page/page.ts';
import { prepareCluster, type Prepared } from './prepare.ts';
import { Processes } from './processes/processes.ts';
import { forwarderTokenFile, startForwarder, startFunctions, type ProgramOptions } from './programs/programs.ts';
import { Renewals } from './programs/renewals.ts';
import { applySample, websitesIn } from './programs/sample.ts';
import { noteRunning } from './running.ts';
import { StoppedError, untilStopped } from './stopping.ts';
import { Changes } from './terminal/changes.ts';
import { endingOf } from './terminal/ending.ts';
import { failureText } from './terminal/failure.ts';
import { showLive } from './terminal/live.ts';
import { screenOf, SILENT, type Screen } from './terminal/screen.ts';
import { secondsSince, Steps } from './terminal/steps.ts';
import { summaryLines, websiteToTry } from './terminal/summary.ts';
import { Warnings } from './terminal/warnings.ts';

/** Run in reverse order at the end, also after an error. */
const cleanups: (() => Promise<unknown>)[] = [];
const atEnd = (cleanup: () => Promise<unknown>): void => {
  cleanups.push(cleanup);
};
const startedAt = performance.now();
/** The level of pino, as in the log lines of our programs. */
const WARN = 40;

async function main(options: Options, screen: Screen): Promise<void> {
  const stopped = untilStopped();
  const steps = new Steps(screen);
  const warnings = new Warnings(screen, (msg) => report(options, msg, { level: WARN }));
  const warn = (text: string) => warnings.note('npm start', text, new Date());
  noteUnusedKubeconfig(options, screen);
  await checkPorts(options);
  const prepared = await prepareCluster(options, { steps, warn, stopped, atEnd });
  const { local, address, transport } = prepared;
  const changes = new Changes();
  const page = options.page === 'off' ? NO_PAGE : await startPage(transport, options.page);
  atEnd(() => page.stop());
  const { processes, folder, failure: programEnded } = programsOf(prepared);
  const programs = {
    ...loggedTo({ options, warnings, changes, page }),
    processes,
    folder,
    transport,
    address,
    otlp: options.otlp,
  };
  atEnd(async () => programs.renewals.stop());
  const failure = Promise.race([stopped, programEnded]);
  const step = <T>(name: string, work: Promise<T>) => steps.step(name, Promise.race([work, failure]));
  const functions = await step('Functions', startFunctions(options.port, programs));
  const forwarder = await step('Forwarder', startForwarder(functions, programs));
  page.connectTo({ functions: { url: functions, tokenFile: forwarderTokenFile(folder) }, forwarder });
  if (local !== undefined && prepared.age === 'new') await step('Sample Website', applySample(transport));
  const { kubeconfig, context } = address;
  const running = { kubeconfig, context };
  const note = noteRunning(cacheFolder(process.env), {
    ...running,
    functionsUrl: functions,
    forwarderUrl: forwarder,
  });
  if (note !== undefined) processes.removeAtEnd(note);
  const links = [
    ...page.links,
    ['functions', `${functions}readyz`],
    ['forwarder', `${forwarder}readyz  ${forwarder}metrics`],
    ['logs', processes.logs],
  ] as const;
  report(options, 'Ready', { ...running, ...Object.fromEntries(links), functions, forwarder });
  const kubectl = isOnPath('kubectl') ? 'kubectl' : 'npm run kubectl --';
  const website = websiteToTry(await Promise.race([websitesIn(transport), failure]));
  const cluster = local === undefined ? 'own' : 'local';
  screen.print(...summaryLines({ took: secondsSince(startedAt), address, cluster, links, website, kubectl }));
  const ended = new AbortController();
  atEnd(async () => ended.abort());
  const onSilence = (seconds: number | null) => page.silentFor(seconds);
  const live = { screen, transport, changes, warnings, onSilence, signal: ended.signal };
  await Promise.race([failure, showLive(live)]);
}

/** Prints what npm start itself has to say, as a JSON line. Otherwise, the screen shows it. */
function report({ output }: Options, msg: string, fields: Readonly<Record<string, unknown>> = {}): void {
  if (output === 'json') process.stdout.write(`${JSON.stringify({ program: 'npm start', msg, ...fields })}\n`);
}

interface Watchers {
  readonly options: Options;
  readonly warnings: Warnings;
  readonly changes: Changes;
  readonly page: Page;
}

/** Where the lines of the programs' logs go, and what follows from them. */
function loggedTo({ options, warnings, changes, page }: Watchers) {
  const onTrouble = (error: unknown) =>
    warnings.note('npm start', `Could not renew tokens: ${messageOf(error)}`, new Date());
  const onLine: ProgramOptions['onLine'] = (program, line) => {
    if (options.output === 'json') process.stdout.write(`${JSON.stringify({ program, ...line.fields })}\n`);
    if (line.level === 'warning') warnings.noteLine(program, line, new Date());
    changes.note(line, new Date());
    page.take(line.fields);
  };
  return { onLine, renewals: new Renewals({ onTrouble }) };
}

function noteUnusedKubeconfig({ kubeconfig }: Options, screen: Screen): void {
  const set = process.env['KUBECONFIG'] ?? '';
  if (kubeconfig === undefined && set !== '')
    screen.print(
      'KUBECONFIG has no effect here. To use the cluster of KUBECONFIG:',
      `  npm start -- --kubeconfig ${set}`,
    );
}

/** Our programs join those of the control plane. For the user's cluster, they have a temporary folder. */
function programsOf({ local }: Prepared): Pick<ControlPlane, 'processes' | 'folder' | 'failure'> {
  if (local !== undefined) return local;
  const { path, leftover } = temporaryFolder();
  mkdirSync(join(path, 'logs'));
  const processes = new Processes(join(path, 'logs'));
  processes.removeAtEnd(leftover);
  atEnd(() => processes.stop());
  return { processes, folder: path, failure: processes.failure };
}

async function cleanUp(): Promise<void> {
  for (const each of cleanups.toReversed()) {
    await each().catch((error: unknown) => process.stderr.write(`${messageOf(error)}\n`));
  }
}

/** Runs until somebody stops it, and returns the exit code. */
async function run(options: Options): Promise<number> {
  const screen = options.output === 'json' ? SILENT : screenOf(process.stdout);
  const error: unknown = await main(options, screen).catch((thrown: unknown) => thrown);
  screen.end();
  const isStopped = error instanceof StoppedError;
  if (isStopped) screen.print('Stopping');
  else process.stderr.write(`${failureText(error, options)}\n`);
  await cleanUp();
  if (isStopped) screen.print(endingOf(options));
  if (isStopped) return 0;
  return error instanceof UsageError ? 2 : 1;
}

try {
  const options = optionsFrom(process.argv.slice(2));
  if (options === 'help') process.stdout.write(USAGE);
  else process.exitCode = await run(options);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 2;
}
process.exit();
