import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterAddress } from '../../../functions/cluster/credentials.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { keyText } from '../../../functions/website/resource.ts';
import { NAMESPACE, tokenOf, writeKubeconfigFor, type ServiceAccount } from './kubeconfig.ts';
import type { Processes } from '../processes/processes.ts';
import type { LastEvent } from '../terminal/view.ts';

export interface ProgramOptions {
  readonly processes: Processes;
  readonly transport: Transport;
  readonly address: ClusterAddress;
  /** Receives the kubeconfigs. */
  readonly folder: string;
  /** Filled with the last delivered event of each Website, by key. */
  readonly events: Map<string, LastEvent>;
  /** Called with each line that a program logs, and the program's name added. */
  readonly onLine: (line: object) => void;
}

/** The fields of the programs' logs that we read. */
interface LogLine {
  readonly msg?: string;
  readonly url?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly reason?: string;
  readonly outcome?: string;
}

/** The audience of the forwarder's token. */
const AUDIENCE = 'website-functions';

/** Starts the functions as their own ServiceAccount, and returns their URL. They accept only the forwarder as a caller. */
export function startFunctions(port: number, options: ProgramOptions): Promise<string> {
  const callers = {
    CALLER_AUDIENCE: AUDIENCE,
    CALLER_SUBJECTS: `system:serviceaccount:${NAMESPACE}:website-forwarder`,
  };
  const history = { CLUSTER_NAME: 'local', HISTORY_URL: `sqlite:${join(options.folder, 'history.db')}` };
  const variables = { HOST: '127.0.0.1', PORT: String(port), ...callers, ...history };
  return start('website-functions', ['functions/node.ts'], variables, options);
}

/** Starts the forwarder as its own ServiceAccount, and returns the URL of its health checks. */
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
  const path = fileURLToPath(new URL(`../../../${file}`, import.meta.url));
  // The user's shell may contain settings for other programs, so ours inherit almost nothing.
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

/** A line that is not JSON, such as a warning of Node, becomes the message. */
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
