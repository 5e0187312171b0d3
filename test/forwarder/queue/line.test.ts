import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Line } from '../../../infra/forwarder/queue/line.ts';
import { sampled } from '../../sampling.ts';

/** Each group, and its keys. Says in the simplest way what a line should do. */
class Model {
  #groups: { readonly group: string; readonly keys: string[] }[] = [];
  #turn = '';
  #left = 0;
  readonly #inARow: number;
  constructor(inARow: number) {
    this.#inARow = inARow;
  }
  add(key: string, group: string) {
    const known = this.#groups.find((each) => each.group === group);
    if (known === undefined) this.#groups.push({ group, keys: [key] });
    else if (!known.keys.includes(key)) known.keys.push(key);
  }
  delete(key: string, group: string) {
    this.#groups = this.#groups
      .map((each) => (each.group === group ? { group, keys: each.keys.filter((other) => other !== key) } : each))
      .filter(({ keys }) => keys.length > 0);
  }
  take(except?: string): string | undefined {
    const free = this.#groups.filter(({ group }) => group !== except);
    const inTurn = this.#left > 0 ? free.find(({ group }) => group === this.#turn) : undefined;
    const taken = inTurn ?? free[0];
    if (taken === undefined) return undefined;
    if (inTurn === undefined) {
      // What had to wait goes to the end of the round, and so does the group whose turn it is now.
      const skipped = this.#groups.slice(0, 1).filter(({ group }) => group === except);
      const others = this.#groups.filter((each) => each !== taken && !skipped.includes(each));
      this.#groups = [...others, taken, ...skipped];
      [this.#turn, this.#left] = [taken.group, this.#inARow];
    }
    this.#left--;
    const [key = ''] = taken.keys;
    this.delete(key, taken.group);
    return key;
  }
}

it('A line serves the groups in turn, some keys of each in their order, whatever joins and leaves', () => {
  const place = { key: fc.constantFrom('u', 'v', 'w', 'x', 'y', 'z'), group: fc.constantFrom('a', 'b', 'c') };
  const step = fc.oneof(
    fc.record({ what: fc.constant('add'), ...place }),
    fc.record({ what: fc.constant('delete'), ...place }),
    fc.record({ what: fc.constant('take'), except: fc.option(place.group, { nil: undefined }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (steps, inARow) => {
      const line = new Line(inARow);
      const model = new Model(inARow);
      const take = (except?: string) => expect(line.take((group) => group !== except)?.key).toBe(model.take(except));
      for (const each of steps) {
        if (!('key' in each)) take(each.except);
        else if (each.what === 'add') {
          line.add(each);
          model.add(each.key, each.group);
        } else {
          line.delete(each);
          model.delete(each.key, each.group);
        }
      }
      while (!line.isEmpty) take();
      expect(model.take()).toBeUndefined();
    }),
    sampled({ sometimes: 500, often: 5_000 }),
  );
});
