import { expect, it } from 'vitest';
import { Thinned } from '../../functions/telemetry/thinned.ts';

const repeat = <T>(times: number, work: (index: number) => T): T[] =>
  Array.from({ length: times }, (_, each) => work(each));

it('Of many lines about one problem, the first 20 come at once, and then one every 5 s with the number of the others', () => {
  const thinned = new Thinned();
  expect(repeat(20, () => thinned.admit('refused', 0))).toEqual(repeat(20, () => 0));
  expect(repeat(100, () => thinned.admit('refused', 4_999))).toEqual(repeat(100, () => undefined));
  expect(thinned.admit('refused', 5_000)).toBe(100);
  expect(thinned.admit('refused', 5_000)).toBeUndefined();
  expect(thinned.admit('refused', 10_000)).toBe(1);
});

it('A new problem has lines of its own, and their number does not grow without limit', () => {
  const thinned = new Thinned();
  repeat(21, () => thinned.admit('refused', 0));
  expect(thinned.admit('denied', 0)).toBe(0);
  expect(thinned.admit('refused', 0)).toBeUndefined();
  repeat(100, (each) => thinned.admit(`message ${each}`, 0));
  expect(thinned.admit('refused', 0)).toBe(0);
});
