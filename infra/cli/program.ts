// The program `website`: its commands, the flags that they share, and what becomes of their answers.
import tab from '@bomb.sh/tab/commander';
import { Command, CommanderError, Option } from 'commander';
import type { CommandOf, CommonFlags } from './command.ts';
import { connection } from './connection.ts';
import { EXIT, UsageError, type ExitCode } from './errors.ts';
import { explainCommand } from './explain-command.ts';
import { historyCommand } from './history.ts';
import { listCommand } from './list.ts';
import { FORMATS, printed } from './output.ts';
import { planCommand } from './plan-command.ts';
import { reconcileCommand } from './reconcile-command.ts';
import { resumeCommand, suspendCommand } from './suspend.ts';

const COMMANDS: readonly CommandOf<object>[] = [
  listCommand,
  planCommand,
  explainCommand,
  historyCommand,
  reconcileCommand,
  suspendCommand,
  resumeCommand,
];

/** What the program needs from its process. */
export interface Process {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly now: () => Date;
}

/** Runs a command line. It never throws. @returns the exit code. */
export async function run(args: readonly string[], process: Process): Promise<ExitCode> {
  const codes: ExitCode[] = [];
  const program = programFrom(process, (code) => codes.push(code));
  try {
    await program.parseAsync(args, { from: 'user' });
    return codes[0] ?? EXIT.ok;
  } catch (error) {
    // commander has printed the error, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.error(`Error: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof UsageError ? EXIT.usage : EXIT.error;
  }
}

function programFrom(process: Process, exitWith: (code: ExitCode) => void): Command {
  const program = new Command('website')
    .description('Shows what the Website Reconciler will do, what it did, and why.')
    .configureOutput({
      writeOut: (text) => process.out(text.trimEnd()),
      writeErr: (text) => process.error(text.trimEnd()),
    })
    .showHelpAfterError('Add --help for the flags and examples.')
    .addHelpText('after', EXIT_CODES)
    .exitOverride();
  for (const each of COMMANDS) add(each, program, process, exitWith);
  tab(program);
  return program;
}

const EXIT_CODES = `
Exit codes:
  0  the command worked
  1  it failed, for example because the cluster did not answer
  2  the command line or a file is wrong
  3  it worked, and something would change, is not Ready, or is not as it should be`;

function add(each: CommandOf<object>, program: Command, process: Process, exitWith: (code: ExitCode) => void): void {
  const { usage, about, options = [], examples } = each;
  const command = program
    .command(usage)
    .description(about)
    .option('--kubeconfig <file>', 'kubeconfig to use; default: $KUBECONFIG, or ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig; default: its current context')
    .option('-n, --namespace <name>', 'namespace to work in; default: that of the context')
    .addOption(new Option('-o, --output <format>', 'how to print the answer').choices(FORMATS).default('table'));
  for (const [flags, description] of options) command.option(flags, description);
  command.addHelpText('after', `\nExamples:\n${examples.map((example) => `  $ website ${example}`).join('\n')}`);
  command.action(async () => {
    const flags = command.opts<CommonFlags>();
    const connected = await connection(flags);
    try {
      const surroundings = { ...connected, now: process.now, note: process.error };
      const { code = EXIT.ok, ...answer } = await each.run(surroundings, flags, command.args);
      process.out(printed(answer, flags.output));
      exitWith(code);
    } finally {
      await connected.transport.close();
    }
  });
}
