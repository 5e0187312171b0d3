import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { imageIn } from './image.ts';

/** A program of ours as a child process, read through its log. */
export interface Program {
  readonly process: ChildProcess;
  /** Every line of its log, parsed. */
  readonly lines: Record<string, unknown>[];
  /** Every line as it came. */
  readonly text: string[];
  readonly stderr: string[];
  /** The first line with this message and these fields, whether it is there already or comes. @throws when the program ends before. */
  line(message: string, about?: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>>;
  /** Asks it to end, and waits until it has; the exit code. */
  stop(): Promise<number | null>;
  readonly exit: Promise<number | null>;
}

/** The programs end with this process, unless it is killed. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill()));

/** What a started program gets of this process's environment: what it needs to be found, and where Node keeps compiled code. */
export const inherited = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
});

/** For tests that measure memory: a program in its image has no compiled code from earlier starts. */
export const COMPILES_ALL = { NODE_DISABLE_COMPILE_CACHE: '1' };

/** Starts `node FILE ARGS` with nothing else of this process's environment. */
export const startProgram = (
  file: string,
  args: readonly string[] = [],
  environment: Record<string, string> = {},
): Program => startCommand([process.execPath, file, ...args], environment);

/** The same for any command. */
export function startCommand(command: readonly string[], environment: Readonly<Record<string, string>>): Program {
  const [file = '', ...args] = command;
  const child = spawn(file, args, {
    env: { ...inherited(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const lines: Record<string, unknown>[] = [];
  const text: string[] = [];
  const stderr: string[] = [];
  const waiting = new Set<() => void>();
  let ended = false;
  const wake = () => waiting.forEach((each) => each());
  createInterface(child.stdout).on('line', (line) => {
    text.push(line);
    lines.push(parsed(line));
    wake();
  });
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
  const exit = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      ended = true;
      running.delete(child);
      resolve(code);
      wake();
    });
  });
  return {
    process: child,
    lines,
    text,
    stderr,
    exit,
    line: (message, about = {}) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(
            (each) => each['msg'] === message && Object.entries(about).every(([field, value]) => each[field] === value),
          );
          if (found === undefined && !ended) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`${command.join(' ')} ended without the line ${message}: ${stderr.join('')}`));
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      child.kill('SIGTERM');
      return exit;
    },
  };
}

function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return { msg: line };
  }
}

/** Of a program that runs. */
export function pidOf({ process: { pid } }: Pick<Program, 'process'>): number {
  if (pid === undefined) throw new Error('The program did not start');
  return pid;
}

/** Starts the functions' Node host as its image does, for anybody on this machine, on a free port. */
export const startFunctions = (environment: Record<string, string>): Program =>
  startImage('functions', [], { HOST: '127.0.0.1', PORT: '0', ALLOW_ANONYMOUS: '1', ...environment });

/** Starts the forwarder as its image does. */
export const startForwarder = (args: readonly string[], environment: Record<string, string> = {}): Program =>
  startImage('forwarder', args, environment);

function startImage(name: 'functions' | 'forwarder', args: readonly string[], environment: Record<string, string>) {
  const { command, variables } = imageIn(name, `dist/${name}`);
  return startCommand([process.execPath, ...command, ...args], { ...variables, ...environment });
}
