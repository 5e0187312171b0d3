import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterAddress } from '../../../functions/cluster/credentials/kubeconfig-source.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { logLineOf, type LogLine } from '../processes/log-line.ts';
import type { Processes } from '../processes/processes.ts';
import { NAMESPACE, renewKubeconfig, replaceFile, requestToken, type ServiceAccount } from './kubeconfig.ts';
import { checkHistory } from './history-file.ts';
import type { Renewals } from './renewals.ts';

export interface ProgramOptions {
  readonly processes: Processes;
  readonly transport: Transport;
  readonly address: ClusterAddress;
  /** Receives the kubeconfigs. */
  readonly folder: string;
  /** The URL of a collector for their metrics and traces. */
  readonly otlp: string | undefined;
  /** Keeps the programs' tokens fresh. */
  readonly renewals: Renewals;
  /** Called with each line that a program logs. */
  readonly onLine: (program: ServiceAccount, line: LogLine) => void;
}

/** The audience of the forwarder's token. */
const AUDIENCE = 'website-functions';

/** Starts the functions as their own ServiceAccount, and returns their URL. They accept only the forwarder as a caller. */
export async function startFunctions(port: number, options: ProgramOptions): Promise<string> {
  const file = join(options.folder, 'history.db');
  checkHistory(file);
  const callers = {
    CALLER_AUDIENCE: AUDIENCE,
    CALLER_SUBJECTS: `system:serviceaccount:${NAMESPACE}:website-forwarder`,
  };
  const history = { CLUSTER_NAME: 'local', HISTORY_URL: `sqlite:${file}` };
  const variables = { HOST: '127.0.0.1', PORT: String(port), ...callers, ...history };
  return start('website-functions', ['functions/node.ts'], variables, options);
}

/** The token with which the forwarder calls the functions. */
export const forwarderTokenFile = (folder: string): string => join(folder, 'website-forwarder.token');

/** Starts the forwarder as its own ServiceAccount, and returns the URL of its health checks. */
export async function startForwarder(sink: string, options: ProgramOptions): Promise<string> {
  const { transport, folder, renewals } = options;
  const file = forwarderTokenFile(folder);
  await renewals.add(async () => {
    const { token, expires } = await requestToken('website-forwarder', { transport, audience: AUDIENCE });
    replaceFile(file, token);
    return expires;
  });
  const flags = [
    '--sink',
    sink,
    '--mode',
    'batched',
    '--sink-token-file',
    file,
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
  { processes, transport, address, folder, otlp, renewals, onLine }: ProgramOptions,
): Promise<string> {
  const kubeconfig = join(folder, `${name}.kubeconfig`);
  await renewals.add(() => renewKubeconfig(name, { transport, address, path: kubeconfig }));
  const path = fileURLToPath(new URL(`../../../${file}`, import.meta.url));
  // The user's shell may contain settings for other programs, so ours inherit almost nothing.
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env;
  // They start in half the CPU time where Node keeps compiled code.
  const cache = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
  return new Promise((resolve) => {
    processes.start(name, process.execPath, [path, ...flags], {
      environment: { PATH, HOME, ...cache, KUBECONFIG: kubeconfig, ...variables, ...telemetryTo(otlp) },
      onLine: (text) => {
        const line = logLineOf(text);
        const { msg, url } = line.fields;
        if (msg === 'Listening' && typeof url === 'string') resolve(url);
        if (line.level === 'warning' && isAboutCredentials(line)) renewals.refused();
        onLine(name, line);
      },
    });
  });
}

/** Somebody watches, so metrics come more often than by default. */
const telemetryTo = (otlp: string | undefined): Record<string, string> =>
  otlp === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: otlp, OTEL_METRIC_EXPORT_INTERVAL: '5000' };

/** Whether the API server or the functions refused a token. */
const isAboutCredentials = ({ text, fields }: LogLine): boolean =>
  fields['code'] === 'Unauthorized' || fields['status'] === 401 || /\bUnauthorized\b/.test(text);
