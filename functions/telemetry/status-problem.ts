import type { Done } from '../website/reconcile.ts';
import type { Log } from './log.ts';

/** Warns if the stored status does not say what it should after this run. */
export function logStatusProblem({ statusProblem }: Pick<Done, 'statusProblem'>, about: object, log: Log): void {
  if (statusProblem !== undefined) log.warn({ ...about, error: statusProblem }, 'The status is out of date');
}
