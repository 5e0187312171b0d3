import { expect, it } from 'vitest';
import { memoryRows, thinned, type Sample } from './memory-samples.ts';

const sample = (minutes: number, isQuiet: boolean, forwarder: number, functions: number): Sample => ({
  minutes,
  isQuiet,
  forwarder,
  functions,
});
/** Two hours: each ten minutes have eight with changes and two quiet ones. At rest, the functions grow by 6 MiB an hour from 30 minutes on. */
const SOAK = Array.from({ length: 120 }, (_, minute) => {
  const isQuiet = minute % 10 >= 8;
  return sample(minute, isQuiet, isQuiet ? 75 : 85 + (minute % 3), isQuiet ? 80 + Math.max(30, minute) / 10 : 200);
});
const valuesOf = (samples: readonly Sample[], name: RegExp, program: string): readonly number[] | undefined =>
  memoryRows(samples).find((row) => name.test(row.name) && row.column === program)?.values;

it('A program at rest is measured at the end of each quiet time', () => {
  const samples = [
    sample(1, false, 90, 200),
    sample(2, true, 89, 190),
    sample(3, true, 75, 88),
    sample(4, false, 86, 150),
    sample(5, true, 76, 89),
  ];
  expect(valuesOf(samples, /at the end of each quiet time/, 'forwarder')).toEqual([75, 76]);
  expect(valuesOf(samples, /at the end of each quiet time/, 'functions')).toEqual([88, 89]);
});

it('The most of each cycle includes its quiet time, in which the resync still shows', () => {
  const samples = [
    sample(1, false, 90, 200),
    sample(2, true, 75, 210),
    sample(3, false, 86, 150),
    sample(4, true, 76, 89),
  ];
  expect(valuesOf(samples, /the most RSS/, 'functions')).toEqual([210, 150]);
});

it('The growth at rest leaves out the start', () => {
  expect(valuesOf(SOAK, /growth/, 'forwarder')?.[0]).toBeCloseTo(0);
  expect(valuesOf(SOAK, /growth/, 'functions')?.[0]).toBeCloseTo(6);
});

it('A soak without a quiet time has no figures of a rest, and one with a single quiet time has no growth', () => {
  expect(valuesOf(SOAK.slice(0, 5), /at the end of each quiet time/, 'functions')).toEqual([]);
  expect(valuesOf(SOAK.slice(0, 10), /at the end of each quiet time/, 'functions')).toHaveLength(1);
  expect(valuesOf(SOAK.slice(0, 10), /growth/, 'functions')).toEqual([]);
});

it('Of a long soak, at most 300 samples stay, among them the one with the most memory', () => {
  const long = Array.from({ length: 1_000 }, (_, index) => sample(index / 6, false, 80, index === 555 ? 400 : 150));
  const kept = thinned(long);
  expect(kept).toHaveLength(250);
  expect(Math.max(...kept.map(({ functions }) => functions))).toBe(400);
  expect(kept.map(({ minutes }) => minutes)).toEqual(kept.map(({ minutes }) => minutes).toSorted((a, b) => a - b));
});

it('A short soak stays as it is', () => {
  expect(thinned(SOAK)).toEqual(SOAK);
});
