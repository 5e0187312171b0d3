// What both programs held during a soak, and the figures that follow from it.
import type { Row } from '../bench/rows.ts';

export const PROGRAMS = ['forwarder', 'functions'] as const;
export type Program = (typeof PROGRAMS)[number];

/** The RSS of each program in MiB, at one moment. */
export interface Sample extends Readonly<Record<Program, number>> {
  readonly minutes: number;
  /** Whether nothing has changed since the last resync. */
  readonly isQuiet: boolean;
}

/** About as many as a chart can show. */
const KEPT = 300;

/** The sample with the most memory of each few, so that the peaks stay. */
export function thinned(samples: readonly Sample[]): Sample[] {
  const few = Math.ceil(samples.length / KEPT);
  const total = ({ forwarder, functions }: Sample) => forwarder + functions;
  return Array.from({ length: Math.ceil(samples.length / few) }, (_, index) =>
    samples
      .slice(index * few, (index + 1) * few)
      .reduce((most, sample) => (total(sample) > total(most) ? sample : most)),
  );
}

/** What a program holds at first is no growth. */
const WARM_UP = 0.25;

/** A column for each program. */
export function memoryRows(samples: readonly Sample[]): Row[] {
  const cycles = cyclesOf(samples);
  const rests = cycles.flatMap((cycle) => cycle.findLast(({ isQuiet }) => isQuiet) ?? []);
  return PROGRAMS.flatMap((program): Row[] =>
    [
      {
        name: 'RSS at rest, at the end of each quiet time, MiB',
        values: rests.map((rest) => rest[program]),
        digits: 0,
      },
      {
        name: 'the most RSS from one quiet time to the next, MiB',
        values: cycles.map((cycle) => Math.max(...cycle.map((sample) => sample[program]))),
        digits: 0,
      },
      { name: 'growth of the RSS at rest, MiB in an hour', values: growthPerHour(rests, program), digits: 1 },
    ].map((row) => ({ ...row, column: program })),
  );
}

/** Each ends with a quiet time. */
function cyclesOf(samples: readonly Sample[]): Sample[][] {
  const cycles: Sample[][] = [];
  for (const [index, sample] of samples.entries()) {
    const isNext = index === 0 || (samples[index - 1]?.isQuiet === true && !sample.isQuiet);
    if (isNext) cycles.push([]);
    cycles.at(-1)?.push(sample);
  }
  return cycles;
}

/** The slope of the line through the times after the warm-up. None if there is no line. */
function growthPerHour(rests: readonly Sample[], program: Program): number[] {
  const end = rests.at(-1)?.minutes ?? 0;
  const points = rests
    .filter(({ minutes }) => minutes >= WARM_UP * end)
    .map((sample) => ({ x: sample.minutes / 60, y: sample[program] }));
  if (points.length < 2) return [];
  const mean = (of: (point: { x: number; y: number }) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [x, y] = [mean((point) => point.x), mean((point) => point.y)];
  return [mean((point) => (point.x - x) * (point.y - y)) / mean((point) => (point.x - x) ** 2)];
}
