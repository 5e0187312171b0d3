import { expect, it } from 'vitest';
import { Joining } from '../../functions/resync/joining.ts';

/** Work that ends when the test ends it. */
function works() {
  const begun: { end(value: number): void; fail(): void }[] = [];
  const work = () =>
    new Promise<number>((resolve, reject) => {
      begun.push({ end: resolve, fail: () => reject(new Error('on purpose')) });
    });
  return { begun, work };
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('Requests during a resync share the one that starts next', async () => {
  const { begun, work } = works();
  const joining = new Joining<number>();
  const first = joining.run(work);
  const later = [joining.run(work), joining.run(work), joining.run(work)];
  await settled();
  expect(begun).toHaveLength(1);
  begun[0]?.end(1);
  expect(await first).toBe(1);
  await settled();
  const last = [joining.run(work), joining.run(work)];
  expect(begun).toHaveLength(2);
  begun[1]?.end(2);
  expect(await Promise.all(later)).toEqual([2, 2, 2]);
  await settled();
  begun[2]?.end(3);
  expect(await Promise.all(last)).toEqual([3, 3]);
  expect(begun).toHaveLength(3);
});

it('A request at the end of a resync gets a resync that starts afterwards, and the two never overlap', async () => {
  const { begun, work } = works();
  const joining = new Joining<number>();
  const results: Promise<number>[] = [joining.run(work)];
  let [running, most] = [0, 0];
  const counted = async () => {
    most = Math.max(most, ++running);
    await settled();
    running--;
    return most;
  };
  begun[0]?.end(0);
  for (let turn = 0; turn < 50; turn++) {
    results.push(joining.run(counted));
    await Promise.resolve();
  }
  await Promise.all(results);
  expect(most).toBe(1);
});

it('A failed resync fails for those who share it, and for no others', async () => {
  const { begun, work } = works();
  const joining = new Joining<number>();
  const first = joining.run(work);
  const next = joining.run(work);
  begun[0]?.fail();
  await expect(first).rejects.toThrow('on purpose');
  await settled();
  begun[1]?.end(2);
  expect(await next).toBe(2);
  const again = joining.run(work);
  begun[2]?.end(3);
  expect(await again).toBe(3);
});
