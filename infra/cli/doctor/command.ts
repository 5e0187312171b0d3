import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { itemsIn } from '../../../functions/settings/setting-values.ts';
import { namespaceFrom, type ClusterCommand, type Surroundings } from '../command.ts';
import type { Connection } from '../connection.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { table } from '../../table.ts';
import { printable, styled } from '../../text.ts';
import { urlFrom } from '../url.ts';
import { childrenFinding } from './children.ts';
import { definitionFinding } from './definition.ts';
import type { Finding } from './finding.ts';
import { handledFinding } from './handled.ts';
import { functionsFinding, leaseFinding, readinessFinding } from './programs.ts';
import { remedyOf } from './remedy.ts';
import { resyncFinding, resyncJobIn } from './resync.ts';
import { FORWARDER_RIGHTS, FUNCTIONS_RIGHTS, rightsFinding, type Right } from './rights.ts';
import { clockFinding, fenceFinding, gatewayFinding, serverTime, versionFinding } from './server.ts';
import { statusAt, statusesOfPods, type Running } from './statuses.ts';
import { versionsFinding } from './versions.ts';

interface Flags {
  readonly installation?: string;
  readonly functionsUrl?: string;
  readonly forwarderUrl?: string;
  readonly namespaces?: string;
}

const INSTALLATION = 'website-reconciler';

export const doctorCommand: ClusterCommand<Flags> = {
  usage: 'doctor',
  about:
    'Check the installation, and say what to do about each problem. Exit code 3 if there is one, and 4 if there is none, but a check is unknown',
  options: [
    ['--installation <namespace>', `namespace of the forwarder and the functions; default: ${INSTALLATION}`],
    [
      '--functions-url <url>',
      'where this machine reaches the functions, if their Pods cannot be asked or they run on Azure',
    ],
    [
      '--forwarder-url <url>',
      "where this machine reaches the forwarder's port for probes, if its Pods cannot be asked",
    ],
    ['--namespaces <names>', 'namespaces that the installation is limited to, as a,b; default: what the programs say'],
  ],
  examples: ['doctor', 'doctor --functions-url http://localhost:8080'],
  async ask(surroundings, flags) {
    const findings = await examined(surroundings, { ...placesFrom(flags), urls: urlsFrom(flags) });
    return { text: findingsText(findings), data: findings, code: codeOf(findings) };
  },
};

/** The doctor calls an installation healthy only if it saw every part that it can see. */
export function codeOf(findings: readonly Finding[]): ExitCode {
  const has = (wanted: Finding['state']) => findings.some(({ state }) => state === wanted);
  if (has('problem')) return EXIT.no;
  return has('unknown') ? EXIT.unknown : EXIT.ok;
}

/** The namespaces that the doctor looks into. */
interface Places {
  readonly installation: string;
  /** What the programs say, if absent. */
  readonly namespaces: readonly string[] | undefined;
}

/** @throws UsageError if the value of a flag is not what it should be. */
const placesFrom = ({ installation = INSTALLATION, namespaces }: Flags): Places => ({
  installation: namespaceFrom('--installation', installation),
  namespaces:
    namespaces === undefined ? undefined : itemsIn(namespaces).map((each) => namespaceFrom('--namespaces', each)),
});

/** Where the programs are asked, if not in their Pods. */
interface Urls {
  readonly functions: URL | undefined;
  readonly forwarder: URL | undefined;
}

const URL_OF_PROGRAM = {
  must: 'an http or https URL',
  instead: 'the programs ask the doctor for none. If something in front of them does, use kubectl port-forward',
};

/** @throws UsageError if the value of a flag is not what it should be. */
const urlsFrom = ({ functionsUrl, forwarderUrl }: Flags): Urls => ({
  functions: urlOfProgram('--functions-url', functionsUrl),
  forwarder: urlOfProgram('--forwarder-url', forwarderUrl),
});

const urlOfProgram = (flag: string, text: string | undefined): URL | undefined =>
  text === undefined ? undefined : urlFrom(flag, text, URL_OF_PROGRAM);

/** All findings. A check that fails is a finding, too. */
async function examined(
  { transport, now }: Surroundings & Connection,
  { installation, namespaces: given, urls }: Places & { readonly urls: Urls },
): Promise<Finding[]> {
  let version: Finding;
  try {
    version = await versionFinding(transport);
  } catch (error) {
    // Without an API server there is nothing else to find.
    return [asFinding('API server', 'problem')(error)];
  }
  const serverClock = serverTime(transport, installation, now);
  const server = await serverClock.then(({ time }) => time).catch(() => undefined);
  const atUrls = await programsAt(urls);
  const programs = programsIn(installation, atUrls, transport);
  // If they cannot be asked, the checks that need them say why.
  const running = await programs.catch((): Running[] => []);
  const namespaces = given ?? limitedTo(running);
  const rightsOf = async (program: 'functions' | 'forwarder', rights: readonly Right[]) => {
    const account = { namespace: installation, name: `website-${program}` };
    return rightsFinding(`rights of the ${program}`, { account, rights, namespaces }, transport);
  };
  const checks: readonly (readonly [check: string, Promise<Finding>])[] = [
    ['API server', Promise.resolve(version)],
    ['CRD', definitionFinding(transport)],
    ['rights of the functions', rightsOf('functions', FUNCTIONS_RIGHTS)],
    ['rights of the forwarder', rightsOf('forwarder', FORWARDER_RIGHTS)],
    ['fence', fenceFinding(installation, transport)],
    [
      'forwarder',
      urls.forwarder === undefined
        ? leaseFinding(installation, transport, server ?? now())
        : readinessFinding('forwarder', urls.forwarder, atUrls),
    ],
    [
      'functions',
      urls.functions === undefined
        ? programs.then((all) => functionsFinding(all, installation))
        : readinessFinding('functions', urls.functions, atUrls),
    ],
    ['versions', programs.then((all) => versionsFinding(all, atUrls))],
    ['resync', resyncJobIn(installation, transport).then((job) => resyncFinding(running, job, server ?? now()))],
    ['Websites', handledFinding(transport, namespaces, server ?? now())],
    ['children', childrenFinding(transport, namespaces)],
    ['Gateway API', gatewayFinding(transport)],
    ['clock', serverClock.then(clockFinding)],
  ];
  return Promise.all(checks.map(async ([check, finding]) => finding.catch(asFinding(check, 'unknown'))));
}

/** The programs whose URLs are given. */
const programsAt = async ({ functions, forwarder }: Urls): Promise<readonly Running[]> =>
  Promise.all([
    ...(functions === undefined ? [] : [statusAt('functions', functions)]),
    ...(forwarder === undefined ? [] : [statusAt('forwarder', forwarder)]),
  ]);

/** Both programs, as far as the doctor can reach them: at the given URLs, or otherwise in their Pods. */
async function programsIn(
  installation: string,
  atUrls: readonly Running[],
  transport: Transport,
): Promise<readonly Running[]> {
  if (atUrls.length === 2) return atUrls;
  const pods = await statusesOfPods(installation, transport);
  return [...atUrls, ...pods.filter(({ program }) => !atUrls.some((each) => each.program === program))];
}

/** The namespaces that the programs say they are limited to. */
function limitedTo(running: readonly Running[]): readonly string[] | undefined {
  const said = running.flatMap(({ status }) => (typeof status === 'object' && 'version' in status ? [status] : []));
  return said.find(({ namespaces }) => namespaces !== undefined)?.namespaces;
}

/** The finding of a check that could not reach what it checks. */
const asFinding =
  (check: string, state: 'problem' | 'unknown') =>
  (error: unknown): Finding => {
    if (!(error instanceof ClusterError)) throw error;
    return { check, state, message: error.message, toDo: remedyOf(error) };
  };

const STYLES = { ok: 'green', problem: 'red', unknown: 'yellow', unchecked: 'dim' } as const;

function findingsText(findings: readonly Finding[]): string {
  const rows = findings.flatMap(({ check, state, message, toDo }) => [
    [styled(STYLES[state], state), check, printable(message)],
    ...(toDo === undefined ? [] : [['', '', `→ ${toDo}`]]),
  ]);
  return table(rows);
}
