import { ClusterError } from '../../../functions/cluster/errors.ts';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import type { ClusterCommand, Surroundings } from '../command.ts';
import type { Connection } from '../connection.ts';
import { EXIT } from '../errors.ts';
import { table } from '../../table.ts';
import { printable, styled } from '../text.ts';
import { definitionFinding } from './definition.ts';
import type { Finding } from './finding.ts';
import { handledFinding, leaseFinding, readinessFinding } from './programs.ts';
import { FORWARDER_RIGHTS, FUNCTIONS_RIGHTS, rightsFinding } from './rights.ts';
import { clockFinding, gatewayFinding, serverTime, versionFinding } from './server.ts';

interface Flags {
  readonly installation?: string;
  readonly functionsUrl?: string;
  readonly forwarderUrl?: string;
}

const INSTALLATION = 'website-reconciler';

export const doctorCommand: ClusterCommand<Flags> = {
  usage: 'doctor',
  about: 'Check the installation, and say what to do about each problem. Exit code 3 if there is one',
  options: [
    ['--installation <namespace>', `namespace of the forwarder and the functions; default: ${INSTALLATION}`],
    ['--functions-url <url>', 'where this machine reaches the functions; checks /readyz'],
    ['--forwarder-url <url>', "where this machine reaches the forwarder's port for probes; checks /readyz"],
  ],
  examples: ['doctor', 'doctor --functions-url http://localhost:8080'],
  async ask(surroundings, flags) {
    const findings = await examined(surroundings, flags);
    const hasProblem = findings.some(({ state }) => state === 'problem');
    return { text: findingsText(findings), data: findings, code: hasProblem ? EXIT.no : EXIT.ok };
  },
};

/** All findings. A check that fails is a finding, too. */
async function examined({ transport, now }: Surroundings & Connection, flags: Flags): Promise<Finding[]> {
  const { installation = INSTALLATION, functionsUrl, forwarderUrl } = flags;
  const server = await serverTime(transport, installation);
  const account = (name: string) => ({ namespace: installation, name });
  const checks: readonly (readonly [check: string, Promise<Finding>])[] = [
    ['API server', versionFinding(transport)],
    ['CRD', definitionFinding(transport)],
    [
      'rights of the functions',
      rightsFinding('rights of the functions', account('website-functions'), FUNCTIONS_RIGHTS, transport),
    ],
    [
      'rights of the forwarder',
      rightsFinding('rights of the forwarder', account('website-forwarder'), FORWARDER_RIGHTS, transport),
    ],
    [
      'forwarder',
      forwarderUrl === undefined
        ? leaseFinding(installation, transport, server ?? now())
        : readinessFinding('forwarder', forwarderUrl),
    ],
    ...(functionsUrl === undefined ? [] : ([['functions', readinessFinding('functions', functionsUrl)]] as const)),
    ['Websites', handledFinding(kubernetes(transport), server ?? now())],
    ['Gateway API', gatewayFinding(transport)],
    ['clock', Promise.resolve(clockFinding(server, now()))],
  ];
  return Promise.all(checks.map(async ([check, finding]) => finding.catch((error: unknown) => failed(check, error))));
}

function failed(check: string, error: unknown): Finding {
  if (!(error instanceof ClusterError)) throw error;
  return { check, state: 'unknown', message: error.message };
}

const STYLES = { ok: 'green', problem: 'red', unknown: 'yellow' } as const;

function findingsText(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ check, state, message, toDo }) => [
    [styled(STYLES[state], state), check, printable(message)],
    ...(toDo === undefined ? [] : [['', '', `→ ${toDo}`]]),
  ]);
  return table(rows);
}
