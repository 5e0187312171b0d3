// Whether the forwarder and the functions are there, and work.
import { messageOf } from '../../../functions/cluster/causes.ts';
import { shownUrl } from '../../../functions/cluster/shown-url.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { answerAt, isGood } from '../answer.ts';
import { ifRefused } from '../errors.ts';
import type { Finding } from './finding.ts';
import type { Program, Running } from './statuses.ts';

/** A forwarder renews its Lease every second. */
const STALE_LEASE_MS = 30_000;

interface Lease {
  readonly metadata: { readonly name: string };
  readonly spec?: { readonly holderIdentity?: string | null; readonly renewTime?: string | null };
}

/** Whether a forwarder holds the Lease, in the namespace of the installation. @param now the API server's time. */
export async function leaseFinding(namespace: string, transport: Transport, now: Date): Promise<Finding> {
  const check = 'forwarder';
  const hint = `give --installation if it runs in another namespace, or ask it: kubectl -n ${namespace} port-forward deployment/website-forwarder 8081:8080, then website doctor --forwarder-url http://localhost:8081. With npm start, run npm run website -- doctor`;
  const leases = await leasesIn(namespace, transport);
  const ours = leases?.filter(({ metadata }) => metadata.name.startsWith('website-forwarder')) ?? [];
  if (leases === undefined) return { check, state: 'unknown', message: 'Your user may not list leases', toDo: hint };
  if (ours.length === 0)
    return {
      check,
      state: 'unknown',
      message: `There is no Lease website-forwarder in namespace ${namespace}`,
      toDo: hint,
    };
  const stale = ours.filter(({ spec }) => !(now.getTime() - Date.parse(spec?.renewTime ?? '') < STALE_LEASE_MS));
  if (stale.length === 0) {
    const holders = ours.map(({ spec }) => spec?.holderIdentity ?? '').join(', ');
    return { check, state: 'ok', message: `${holders} holds the Lease` };
  }
  const names = stale.map(({ metadata }) => metadata.name).join(', ');
  const toDo = `kubectl -n ${namespace} logs deployment/website-forwarder`;
  return { check, state: 'problem', message: `No forwarder renews the Lease ${names}`, toDo };
}

async function leasesIn(namespace: string, transport: Transport): Promise<readonly Lease[] | undefined> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/leases`;
  const list = transport.json({ method: 'GET', path, what: `list leases in namespace ${namespace}` });
  const read = (await ifRefused(list, ['Forbidden'], undefined)) as { readonly items: readonly Lease[] } | undefined;
  return read?.items;
}

const TIMEOUT_MS = 10_000;
const LONGEST_BODY = 500;

/** Whether the program at this URL is the right one, and says that it is ready. @param running the programs that were asked at URLs. */
export async function readinessFinding(check: Program, url: URL, running: readonly Running[]): Promise<Finding> {
  const where = shownUrl(url);
  const status = running.find(({ program }) => program === check)?.status;
  if (typeof status === 'object' && 'other' in status && status.other !== undefined) {
    const theirs = `--${status.other}-url`;
    const message = `${where} is the address of the ${status.other}`;
    return {
      check,
      state: 'problem',
      message,
      toDo: `give this address as ${theirs}, and another one as --${check}-url`,
    };
  }
  if (status === 'azure')
    return { check, state: 'ok', message: `${where} answers as Azure Functions, and asks for a key` };
  const toDo = `check the address, and the log of the ${check}`;
  try {
    const response = await answerAt(new URL('/readyz', url), { timeoutMs: TIMEOUT_MS });
    const text = response.text.trim().slice(0, LONGEST_BODY).replaceAll('\n', '; ');
    // Azure Functions have no such page. If something in front of them asks for a login, they cannot be recognized.
    if (check === 'functions' && [401, 404].includes(response.status)) {
      const message = `${where} answers ${response.status} to /readyz, and not as the functions`;
      return {
        check,
        state: 'unknown',
        message,
        toDo: 'check the address. On Azure, see whether the app has the function listHistory',
      };
    }
    return isGood(response)
      ? { check, state: 'ok', message: `${where} answers: ${text}` }
      : { check, state: 'problem', message: `${where} answers ${response.status}: ${text}`, toDo };
  } catch (error) {
    return { check, state: 'problem', message: messageOf(error), toDo };
  }
}

/** Whether the Pods of the functions are ready, and can be asked. */
export function functionsFinding(running: readonly Running[], namespace: string): Finding {
  const check = 'functions';
  const pods = running.filter(({ program }) => program === 'functions');
  const elsewhere = 'give --functions-url if they run elsewhere. With npm start, run npm run website -- doctor';
  if (pods.length === 0)
    return {
      check,
      state: 'unknown',
      message: `There is no Pod of the functions in namespace ${namespace} now`,
      toDo: `${elsewhere}. On Knative they start with the next event; on Azure, give the URL of the app`,
    };
  const unready = pods.filter(({ isReady }) => !isReady);
  if (unready.length > 0)
    return {
      check,
      state: 'problem',
      message: `${unready.map(({ where }) => where).join(', ')}: not ready`,
      toDo: `kubectl -n ${namespace} logs deployment/website-functions`,
    };
  const silent = pods.flatMap(({ status }) =>
    typeof status === 'object' && 'missing' in status ? [status.missing] : [],
  );
  const message = `${pods.map(({ where }) => where).join(', ')}: ready`;
  if (silent[0] === undefined) return { check, state: 'ok', message };
  const toDo =
    'a NetworkPolicy may keep the API server out, or you lack the right to get pods/proxy. kubectl port-forward and --functions-url need neither';
  return { check, state: 'unknown', message: `${message}, but could not be asked. ${silent[0]}`, toDo };
}
