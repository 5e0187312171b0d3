import { parseArgs } from 'node:util';

export const USAGE = `Usage: npm start -- [flags]

Starts a control plane on this machine, the forwarder and the functions, and shows a sample Website becoming ready.
Ctrl-C stops everything.

  --kubeconfig FILE   use this cluster instead of starting one
  --context NAME      its context; the current one when absent
  --yes               install the CRD and the rights there without asking
  --data DIR          keep the control plane's data in DIR, and start again from it
  --port N            port of the functions; a free one when absent
  --json              print the programs' logs, as JSON, instead of the live view
  --help              this text
`;

export interface Options {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly consent: 'given' | 'ask';
  readonly data: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
  readonly output: 'live' | 'json';
}

/** A flag that cannot be used; the message names it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Reads the command line. @returns `help` when that was asked for. @throws UsageError */
export function optionsFrom(args: readonly string[]): Options | 'help' {
  const values = parsed(args);
  if (values.help === true) return 'help';
  const contradiction = contradictionIn(values);
  if (contradiction !== undefined) throw new UsageError(contradiction);
  return {
    kubeconfig: values.kubeconfig,
    context: values.context,
    consent: values.yes === true ? 'given' : 'ask',
    data: values.data,
    port: portFrom(values.port),
    output: values.json === true ? 'json' : 'live',
  };
}

function contradictionIn({ kubeconfig, context, data }: ReturnType<typeof parsed>): string | undefined {
  if (kubeconfig === undefined && context !== undefined) {
    return '--context needs --kubeconfig: without it, a control plane of its own is started';
  }
  if (kubeconfig !== undefined && data !== undefined) {
    return '--data is for the control plane that is started here: it does not go with --kubeconfig';
  }
  return undefined;
}

function portFrom(text = '0'): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`--port must be a number from 0 to 65535, and is ${text}`);
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        kubeconfig: { type: 'string' },
        context: { type: 'string' },
        yes: { type: 'boolean' },
        data: { type: 'string' },
        port: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}. See npm start -- --help`);
  }
}
