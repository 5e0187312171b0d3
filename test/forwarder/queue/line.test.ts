import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Line } from '../../../infra/forwarder/queue/line.ts';
import { sampled } from '../../sampling.ts';

/** Each group, and its keys. Says in the simplest way what a line should do. */
class Model {
  #groups: { readonly group: string; readonly keys: string[] }[] = [];
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
    const [turn, ...others] = this.#groups;
    if (turn === undefined) return undefined;
    this.#groups = others;
    const key = turn.group === except ? this.take() : turn.keys[0];
    const keys = turn.group === except ? turn.keys : turn.keys.slice(1);
    if (keys.length > 0) this.#groups.push({ ...turn, keys });
    return key;
  }
}

it('A line serves the groups in turn, and the keys of a group in order, whatever joins and leaves', () => {
  const place = { key: fc.constantFrom('x', 'y', 'z'), group: fc.constantFrom('a', 'b', 'c') };
  const step = fc.oneof(
    fc.record({ what: fc.constant('add'), ...place }),
    fc.record({ what: fc.constant('delete'), ...place }),
    fc.record({ what: fc.constant('take'), except: fc.option(place.group, { nil: undefined }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const line = new Line();
      const model = new Model();
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
