import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterAddress } from '../../functions/cluster/credentials.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { keyText } from '../../functions/website/resource.ts';
import { NAMESPACE, tokenOf, writeKubeconfigFor, type ServiceAccount } from './kubeconfig.ts';
import type { Processes } from './processes.ts';
import type { LastEvent } from './view.ts';

export interface ProgramOptions {
  readonly processes: Processes;
  readonly transport: Transport;
  readonly address: ClusterAddress;
  /** Where their kubeconfigs go. */
  readonly folder: string;
  /** What the forwarder last did for each Website, by key. */
  readonly events: Map<string, LastEvent>;
  /** Takes each line that a program logs, with the program's name in it. */
  readonly onLine: (line: object) => void;
}

/** What is read of the programs' logs. */
interface LogLine {
  readonly msg?: string;
  readonly url?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly reason?: string;
  readonly outcome?: string;
}

/** Whom the forwarder shows its token to. */
const AUDIENCE = 'website-functions';

/** Starts the functions with their own rights, for the forwarder alone, and returns where they listen. */
export function startFunctions(port: number, options: ProgramOptions): Promise<string> {
  const callers = {
    CALLER_AUDIENCE: AUDIENCE,
    CALLER_SUBJECTS: `system:serviceaccount:${NAMESPACE}:website-forwarder`,
  };
  const variables = { HOST: '127.0.0.1', PORT: String(port), ...callers };
  return start('website-functions', ['functions/node.ts'], variables, options);
}

/** Starts the forwarder with its own rights, and returns where its health is. */
export async function startForwarder(sink: string, options: ProgramOptions): Promise<string> {
  const { transport, folder } = options;
  const token = join(folder, 'website-forwarder.token');
  writeFileSync(token, await tokenOf('website-forwarder', { transport, audience: AUDIENCE }), { mode: 0o600 });
  const flags = [
    '--sink',
    sink,
    '--mode',
    'batched',
    '--sink-token-file',
    token,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--cluster',
    'local',
  ];
  return start('website-forwarder', ['infra/forwarder/main.ts', ...flags], {}, options);
}

async function start(
  name: ServiceAccount,
  [file, ...flags]: readonly string[],
  variables: Record<string, string>,
  { processes, transport, address, folder, events, onLine }: ProgramOptions,
): Promise<string> {
  const kubeconfig = await writeKubeconfigFor(name, { transport, address, path: join(folder, `${name}.kubeconfig`) });
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  // What they are told is all that they know: nothing of this shell's settings is meant for them.
  const inherited = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' };
  return new Promise((resolve) => {
    processes.start(name, process.execPath, [path, ...flags], {
      environment: { ...inherited, KUBECONFIG: kubeconfig, ...variables },
      onLine: (text) => {
        const line = parsed(text);
        if (line.msg === 'Listening' && line.url !== undefined) resolve(line.url);
        remember(line, events);
        onLine({ program: name, ...line });
      },
    });
  });
}

/** A line that is not JSON is one that the program did not mean to print. */
function parsed(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { msg: text };
  }
}

function remember(
  { msg, namespace, name, reason = '-', outcome = '-' }: LogLine,
  events: Map<string, LastEvent>,
): void {
  if (msg === 'Delivered event' && namespace !== undefined && name !== undefined) {
    events.set(keyText({ namespace, name }), { reason, outcome });
  }
}
