import type { Transport } from '../../../functions/cluster/transport.ts';
import { ifRefused } from '../errors.ts';
import { age } from '../../text.ts';
import type { Finding } from './finding.ts';
import type { Running } from './statuses.ts';

/** The CronJob that asks for resyncs. */
export interface ResyncJob {
  readonly metadata: { readonly namespace: string };
  readonly spec: { readonly schedule: string; readonly suspend?: boolean };
  readonly status?: { readonly lastSuccessfulTime?: string };
}

const NAME = 'website-resync';

/** Undefined if there is no such CronJob, or this user may not look. @throws ClusterError */
export async function resyncJobIn(namespace: string, transport: Transport): Promise<ResyncJob | undefined> {
  const path = `/apis/batch/v1/namespaces/${encodeURIComponent(namespace)}/cronjobs/${NAME}`;
  const read = transport.json({ method: 'GET', path, what: `get cronjobs ${NAME} in namespace ${namespace}` });
  return (await ifRefused(read, ['Forbidden', 'NotFound'], undefined)) as ResyncJob | undefined;
}

const HOUR_SECONDS = 3_600;
/** A resync ends itself within 225 s. */
const SLACK_SECONDS = 300;
/** As the alert of docs/metrics.md, where no interval is known. */
const USUAL_SECONDS = 40 * 60;
/** For a schedule that is not a number of minutes. */
const RARE_SECONDS = 25 * HOUR_SECONDS;

const TO_DO =
  'the log of the functions says why: look for "Could not resync Websites", and whether anything asks for a resync';

/** How long ago the last resync was. It repairs what events missed. @param now the API server's time. */
export function resyncFinding(running: readonly Running[], job: ResyncJob | undefined, now: Date): Finding {
  const check = 'resync';
  const seen = running.flatMap(({ program, status }) =>
    program === 'functions' && typeof status === 'object' && 'version' in status ? [status] : [],
  );
  const times = [...seen.map(({ resync }) => resync?.lastCompleteAt), job?.status?.lastSuccessfulTime];
  const last = latestOf(times);
  const interval = Math.max(0, ...seen.map(({ resync }) => resync?.intervalSeconds ?? 0));
  if (interval === 0 && job?.spec.suspend === true)
    return {
      check,
      state: 'problem',
      message: `The CronJob ${NAME} is suspended, so nothing repairs what events missed`,
      toDo: `kubectl -n ${job.metadata.namespace} patch cronjob ${NAME} -p '{"spec":{"suspend":false}}'`,
    };
  const most = longestPause(interval, job);
  if (last !== undefined) {
    const message = `The last complete resync was ${age(last, now)} ago`;
    return secondsSince(last, now) <= most
      ? { check, state: 'ok', message }
      : { check, state: 'problem', message, toDo: TO_DO };
  }
  const started = earliestOf(seen.map(({ startedAt }) => startedAt));
  if (started === undefined) return unseenFinding(running);
  const message = `No resync was completed since the functions started ${age(started, now)} ago`;
  return secondsSince(started, now) <= most
    ? {
        check,
        state: 'unknown',
        message,
        toDo: `ask again later: ${nextResync(interval, job)}. Without one in the next ${lasting(most - secondsSince(started, now))}, this is a problem`,
      }
    : { check, state: 'problem', message, toDo: TO_DO };
}

function nextResync(intervalSeconds: number, job: ResyncJob | undefined): string {
  if (intervalSeconds > 0) return `the functions resync every ${lasting(intervalSeconds)}`;
  if (job === undefined) return 'another program has to ask for one';
  return `the CronJob ${NAME} asks for one at ${job.spec.schedule}`;
}

/** The finding if no functions and no CronJob say anything about resyncs. */
const unseenFinding = (running: readonly Running[]): Finding =>
  running.some(({ status }) => status === 'azure')
    ? {
        check: 'resync',
        state: 'unchecked',
        message: 'Azure Functions do not say when they last completed a resync',
        toDo: 'look at the runs of resyncWebsites in Application Insights',
      }
    : {
        check: 'resync',
        state: 'unknown',
        message: 'The time of the last resync is not known',
        toDo: 'give --functions-url',
      };

/** Two resyncs may take turns, and one may fail. */
function longestPause(intervalSeconds: number, job: ResyncJob | undefined): number {
  if (intervalSeconds > 0) return 2 * intervalSeconds + SLACK_SECONDS;
  if (job === undefined) return USUAL_SECONDS;
  const [, minutes] = /^\*\/(\d+) \* \* \* \*$/.exec(job.spec.schedule) ?? [];
  return minutes === undefined ? RARE_SECONDS : 2 * 60 * Number(minutes) + SLACK_SECONDS;
}

const lasting = (seconds: number): string => age(new Date(0).toISOString(), new Date(seconds * 1000));
const secondsSince = (time: string, now: Date): number => (now.getTime() - Date.parse(time)) / 1000;

const sortedTimes = (times: readonly (string | undefined)[]): string[] =>
  times.filter((time) => time !== undefined).toSorted((one, other) => Date.parse(one) - Date.parse(other));
const latestOf = (times: readonly (string | undefined)[]): string | undefined => sortedTimes(times).at(-1);
const earliestOf = (times: readonly (string | undefined)[]): string | undefined => sortedTimes(times)[0];
