import { keyText, type WebsiteKey } from '../../../functions/website/resource.ts';
import { writeText } from '../../words.ts';
import type { LogLine } from '../processes/log-line.ts';

/** The last run of the functions that changed something for a Website. */
export interface Change {
  /** In words: `create Deployment +2, 25 ms`, or `repair Deployment spec.replicas, 31 ms`. */
  readonly what: string;
  readonly at: Date;
}

/** The last change of each Website, by key. It is read from the functions' log. */
export class Changes {
  readonly #changes = new Map<string, Change>();

  of = (key: WebsiteKey): Change | undefined => this.#changes.get(keyText(key));

  note({ fields }: LogLine, at: Date): void {
    const { msg, namespace, name, outcome } = fields;
    if (msg !== 'Reconciled Website' || typeof namespace !== 'string' || typeof name !== 'string') return;
    const key = keyText({ namespace, name });
    const what = whatOf(fields);
    if (outcome === 'gone') this.#changes.delete(key);
    else if (what !== undefined) this.#changes.set(key, { what, at });
  }
}

function whatOf({ actions, repaired, ms }: LogLine['fields']): string | undefined {
  const writes = textsIn(actions).filter((action) => action !== 'update status');
  if (writes.length === 0) return undefined;
  const fields = textsIn(repaired);
  const what = fields.length > 0 ? `repair ${briefly(fields)}` : briefly(writes.map(writeText));
  return typeof ms === 'number' ? `${what}, ${ms} ms` : what;
}

/** The first of several, and how many there are besides. */
const briefly = ([first = '', ...more]: readonly string[]): string =>
  more.length === 0 ? first : `${first} +${more.length}`;

const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : [];
