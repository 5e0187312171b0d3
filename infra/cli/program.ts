// The program `website`: its commands, the flags that they share, and how it prints their answers.
import tab from '@bomb.sh/tab/commander';
import { Command, CommanderError, Option } from 'commander';
import { messageOf } from '../../functions/cluster/causes.ts';
import { NO_CLUSTER, type ClusterAddress } from '../../functions/cluster/credentials/kubeconfig-source.ts';
import { withoutSecrets } from '../../functions/cluster/without-secrets.ts';
import { VERSION } from '../../functions/version.ts';
import { namespaceFrom, type AnyCommand, type CommonFlags } from './command.ts';
import { connection, type Connection } from './connection.ts';
import { doctorCommand } from './doctor/command.ts';
import { printableOutput } from '../text.ts';
import { UsageError } from '../usage.ts';
import { EXIT, type ExitCode } from './errors.ts';
import { explainCommand } from './explain/command.ts';
import { historyCommand } from './history/history.ts';
import { listCommand } from './list.ts';
import { FORMATS, printed } from './output.ts';
import { planCommand } from './plan/command.ts';
import { recordCommand } from './events/record.ts';
import { reconcileCommand } from './reconcile-command.ts';
import { replayCommand } from './events/replay.ts';
import { resumeCommand, suspendCommand } from './suspend.ts';
import { watchCommand } from './watch/watch.ts';

const COMMANDS: readonly AnyCommand[] = [
  listCommand,
  planCommand,
  explainCommand,
  historyCommand,
  watchCommand,
  reconcileCommand,
  suspendCommand,
  resumeCommand,
  doctorCommand,
  recordCommand,
  replayCommand,
];

/** What the program needs from its process. */
export interface Process {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly now: () => Date;
  readonly interrupted: () => AbortSignal;
  /** The variable KUBECONFIG. */
  readonly kubeconfig: string | undefined;
  /**
   * A cluster that runs on this machine, and that commands ask if no flag names one. Only called for a command that asks a cluster.
   * @throws UsageError if there are several.
   */
  readonly running?: (() => RunningCluster | undefined) | undefined;
  /** What else to do if no cluster is found, as a sentence. */
  readonly otherwise?: string | undefined;
}

/** A cluster that runs on this machine. */
export interface RunningCluster extends ClusterAddress {
  /** Where its programs answer. A command that has these flags uses these values unless the user gives others. */
  readonly functionsUrl?: string | undefined;
  readonly forwarderUrl?: string | undefined;
}

/** Runs a command line. It never throws. @returns the exit code. */
export async function run(args: readonly string[], { out, error: errorOut, ...rest }: Process): Promise<ExitCode> {
  const process: Process = {
    ...rest,
    // Applies to all output: no text of a cluster, a file or a server may control the terminal.
    out: (text) => out(printableOutput(text)),
    // Errors quote what was typed, and they end in logs.
    error: (text) => errorOut(printableOutput(withoutSecrets(text))),
  };
  const codes: ExitCode[] = [];
  const program = programFrom(process, (code) => codes.push(code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return codes[0] ?? EXIT.ok;
  } catch (error) {
    // commander has printed the error, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const message = messageOf(error);
    const isOtherwise = message === NO_CLUSTER && process.otherwise !== undefined;
    process.error(`Error: ${message}${isOtherwise ? `. ${process.otherwise}` : ''}`);
    return error instanceof UsageError ? EXIT.usage : EXIT.error;
  }
}

function programFrom(process: Process, exitWith: (code: ExitCode) => void): Command {
  const program = new Command('website')
    .description('Shows what the Website Reconciler will do, what it did, and why.')
    .configureOutput({
      writeOut: (text) => process.out(text.trimEnd()),
      writeErr: (text) => process.error(text.trimEnd()),
      // commander quotes what it does not know. A URL or the value of a flag may be a secret of any shape.
      outputError: (text, write) => write(text.replaceAll(/https?:.*/gi, '…').replaceAll(/(--[\w-]+)=[^']*/g, '$1=…')),
    })
    .version(VERSION, '--version', 'print the release of this program')
    .showHelpAfterError('Add --help for the flags and examples.')
    .addHelpText('after', EXIT_CODES)
    // As in kubectl, the flags of all commands may also stand before the command.
    .enablePositionalOptions()
    .exitOverride();
  for (const [flags, about] of CONNECTION_FLAGS) program.option(flags, about);
  program.addOption(outputOption());
  for (const each of COMMANDS) add(each, program, process, exitWith);
  tab(program);
  return program;
}

const EXIT_CODES = `
Exit codes:
  0  the command worked
  1  it failed, for example because the cluster did not answer
  2  the command line or a file is wrong
  3  it worked, and something would change, is not Ready, or is not as it should be
  4  doctor found no problem, but could not see every part that it can check`;

function add(each: AnyCommand, program: Command, process: Process, exitWith: (code: ExitCode) => void): void {
  const command = commandIn(program, each.usage).description(each.about);
  if ('ask' in each) for (const [flags, about] of CONNECTION_FLAGS) command.option(flags, about);
  command.addOption(outputOption().default('table'));
  for (const [flags, about] of each.options ?? []) command.option(flags, about);
  command.addHelpText('after', `\nExamples:\n${each.examples.map((example) => `  $ website ${example}`).join('\n')}`);
  command.action(async () => {
    const flags = flagsOf(command, program);
    const { now, interrupted, error: note, out: print } = process;
    const surroundings = { now, interrupted, note, print };
    if (flags.namespace !== undefined) namespaceFrom('--namespace', flags.namespace);
    checkNoneEmpty(command, flags);
    if (flags.namespace !== undefined && flags.allNamespaces === true)
      throw new UsageError('Give --namespace or --all-namespaces, not both');
    const result =
      'ask' in each
        ? await askedOf(process, flags, command, async (to, all) =>
            each.ask({ ...surroundings, ...to }, all, command.args),
          )
        : await each.run(surroundings, flags, command.args);
    if (typeof result === 'number') return exitWith(result);
    process.out(printed(result, flags.output));
    exitWith(result.code ?? EXIT.ok);
  });
}

/** An unset variable of a script is an empty value. @throws UsageError */
function checkNoneEmpty(command: Command, flags: object): void {
  const empty = Object.entries(flags).find(([, value]) => value === '')?.[0];
  const flag = command.options.find((option) => option.attributeName() === empty)?.long;
  if (flag !== undefined && flag !== null) throw new UsageError(`${flag} must not be empty`);
}

const outputOption = (): Option => new Option('-o, --output <format>', 'how to print the answer').choices(FORMATS);

/** The flags of a command, with those that stand before it. After the command, a flag wins. */
function flagsOf(command: Command, program: Command): CommonFlags {
  const before = Object.entries(program.opts()).filter(([name]) => command.getOptionValueSource(name) !== 'cli');
  return { ...command.opts<CommonFlags>(), ...Object.fromEntries(before) };
}

const CONNECTION_FLAGS = [
  ['--kubeconfig <file>', 'kubeconfig to use; default: $KUBECONFIG, or ~/.kube/config'],
  ['--context <name>', 'context of the kubeconfig; default: its current context'],
  ['-n, --namespace <name>', 'namespace to work in; default: that of the context'],
] as const;

/** `events replay <file>` is a command of the group `events`. */
function commandIn(program: Command, usage: string): Command {
  const [, name = '', rest] = /^(\w+) (\w.*)$/.exec(usage) ?? [];
  if (rest === undefined) return program.command(usage);
  const group = program.commands.find((each) => each.name() === name);
  return (group ?? program.command(name).description(GROUPS[name] ?? '')).command(rest);
}

const GROUPS: Readonly<Record<string, string>> = { events: 'Record the events of a forwarder, and send them again' };

/** Connects to the cluster that the flags name, or to the one that runs. */
async function askedOf<T>(
  process: Process,
  flags: CommonFlags,
  command: Command,
  ask: (connection: Connection, flags: CommonFlags) => Promise<T>,
): Promise<T> {
  const { kubeconfig, context } = flags;
  const isNamed = kubeconfig !== undefined || context !== undefined;
  const running = isNamed ? undefined : process.running?.();
  const address = running ?? { kubeconfig: kubeconfig ?? (process.kubeconfig || undefined), context };
  const opened = await connection({ ...flags, ...address }, process.error);
  try {
    return await ask(opened, { ...urlsFor(command, running), ...flags });
  } finally {
    await opened.transport.close();
  }
}

/** Where the programs of a running cluster answer, as flags that the command has. */
function urlsFor(command: Command, running: RunningCluster | undefined): Partial<CommonFlags> {
  const known = new Set(command.options.map((option) => option.attributeName()));
  const urls = { functionsUrl: running?.functionsUrl, forwarderUrl: running?.forwarderUrl };
  return Object.fromEntries(Object.entries(urls).filter(([name, url]) => url !== undefined && known.has(name)));
}
