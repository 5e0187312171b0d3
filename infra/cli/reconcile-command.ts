import { setTimeout as delay } from 'node:timers/promises';
import { isRequested } from '../../functions/website/requested.ts';
import type { Website } from '../../functions/website/resource.ts';
import { requestReconcile } from './change.ts';
import { askAbout, websiteNamed, type ClusterCommand } from './command.ts';
import type { Connection } from './connection.ts';
import { UsageError } from '../usage.ts';
import { EXIT, ifRefused } from './errors.ts';
import { eventsAbout } from './explain/events-about.ts';
import { failureOf, isCurrent, isReady, isStalled, readyOf, stateOf } from './list.ts';
import { statusProblemIn, type StatusProblem } from './status-problem.ts';
import { printable } from '../text.ts';

interface Flags {
  readonly wait?: boolean;
  readonly timeout?: string;
}

const TIMEOUT_SECONDS = 120;
const POLL_MS = 500;

export const reconcileCommand: ClusterCommand<Flags> = {
  usage: 'reconcile <name>',
  about: 'Ask the functions to look at a Website now',
  options: [
    [
      '--wait',
      'wait until the functions have looked at the Website, and it is Ready or somebody has to act; exit code 3 if it is not Ready, or the time is up',
    ],
    ['--timeout <seconds>', `how long to wait with --wait; default: ${TIMEOUT_SECONDS}`],
  ],
  examples: ['reconcile shop', 'reconcile shop --wait --timeout 60'],
  async ask(surroundings, { wait, timeout }, [name = '']) {
    if (timeout !== undefined && wait !== true) throw new UsageError('--timeout needs --wait');
    const seconds = secondsFrom(timeout);
    const token = await askAbout(name, surroundings, async (key) =>
      requestReconcile(surroundings.transport, key, surroundings.now()),
    );
    if (wait !== true) {
      const text = `Asked for a reconcile of ${name}. status.lastHandledReconcileAt becomes ${token} when it is done.`;
      return { text, data: { requestedAt: token } };
    }
    const { website, isDone } = await outcomeWithin(seconds, name, surroundings);
    const problem = isDone ? undefined : await problemOf(website, surroundings);
    return {
      text: outcomeText(website, isDone, problem),
      data: website,
      code: isDone && isReady(website) ? EXIT.ok : EXIT.no,
    };
  },
};

function secondsFrom(text = String(TIMEOUT_SECONDS)): number {
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds;
  throw new UsageError(`--timeout must be a number of seconds above 0, but is ${text}`);
}

async function outcomeWithin(seconds: number, name: string, surroundings: Connection) {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const website = await websiteNamed(name, surroundings);
    const isDone = !isRequested(website) && isDecided(website);
    if (isDone || performance.now() > deadline) return { website, isDone };
    await delay(POLL_MS);
  }
}

/** Whether only a person or a new spec changes the state. */
const isDecided = (website: Website): boolean =>
  isReady(website) || readyOf(website)?.status === 'Unknown' || isStalled(website);

/** Undefined also if this user may not read Events. */
const problemOf = async (website: Website, { transport }: Connection): Promise<StatusProblem | undefined> =>
  statusProblemIn(website, await ifRefused(eventsAbout(website, transport), ['Forbidden'], []));

const NOT_LOOKED_AT = 'the functions have not looked at it: website doctor';
const NOT_JUDGED = { message: 'The functions have not judged the newest spec yet' };

function outcomeText(website: Website, isDone: boolean, problem: StatusProblem | undefined): string {
  const { metadata } = website;
  const { ready, reason } = stateOf(website);
  const failure = failureOf(website);
  const { message } = failure ?? (isCurrent(website) ? readyOf(website) : undefined) ?? NOT_JUDGED;
  const state = `${metadata.namespace}/${metadata.name}: Ready ${ready} (${printable(reason)}): ${printable(message)}`;
  const pending = isRequested(website) ? NOT_LOOKED_AT : 'it is still on its way';
  const late = failure === undefined ? pending : 'reconciles still fail';
  const why = problem === undefined ? late : `the status is out of date: ${printable(problem.message)}`;
  return isDone ? state : `${state.replace(/\.?$/, '.')} The time is up, and ${why.replace(/\.?$/, '.')}`;
}
