import type { HistoryRecord } from './store.ts';

/** Most Websites whose last failure is remembered. Beyond it, a failure may be recorded twice. */
const MOST = 10_000;

/**
 * Decides which runs are worth a record:
 * - a run that wrote something, even if it failed afterwards;
 * - the first of several failures for the same reason, and the run that ends them;
 * - the deletion of a Website.
 *
 * A run that found nothing to do is not recorded, so settled Websites add no records.
 */
export class Failing {
  /** The last outcome of Websites that failed or are gone, oldest first. */
  readonly #last = new Map<string, string>();

  isNews({ cluster, namespace, name, outcome, reason, eventReason, actions }: HistoryRecord): boolean {
    const key = keyOf({ cluster, namespace, name });
    const known = this.#last.get(key);
    if (outcome !== 'failed' && outcome !== 'gone') {
      this.#last.delete(key);
      return actions.length > 0 || known?.startsWith('failed') === true;
    }
    const now = `${outcome} ${reason ?? ''}`;
    // Events of the children follow the one of the Website.
    if (outcome === 'gone' && eventReason !== 'deleted') return actions.length > 0;
    this.#remember(key, now);
    return actions.length > 0 || known !== now;
  }

  /** Forgets the Website of a record that was dropped, so that its next failure is recorded. */
  forget(record: HistoryRecord): void {
    this.#last.delete(keyOf(record));
  }

  #remember(key: string, outcome: string): void {
    this.#last.delete(key);
    this.#last.set(key, outcome);
    const [oldest = key] = this.#last.keys();
    if (this.#last.size > MOST) this.#last.delete(oldest);
  }
}

const keyOf = ({ cluster, namespace, name }: Pick<HistoryRecord, 'cluster' | 'namespace' | 'name'>): string =>
  JSON.stringify([cluster, namespace, name]);
