// The measurements that docs/performance.md shows, in one file.
import { readFileSync, writeFileSync } from 'node:fs';
import { thisMachine, type Machine } from './machine.ts';
import { progress } from './measure.ts';
import type { Row } from './rows.ts';
import type { Load } from './load.ts';
import type { PhaseResult } from './result.ts';
import type { Sample } from '../faults/memory-samples.ts';

export const RECORDS = 'docs/performance.json';

export interface Measurement {
  readonly machine: Machine;
  /** What repeats it. */
  readonly command: string;
  readonly load?: Load;
  readonly results?: readonly PhaseResult[];
  readonly rows?: readonly Row[];
  /** Of a soak. */
  readonly samples?: readonly Sample[];
}

/** By name. */
export type Records = Readonly<Record<string, Measurement>>;

const FILE = new URL(`../../${RECORDS}`, import.meta.url);

export const readRecords = (): Records => JSON.parse(readFileSync(FILE, 'utf8')) as Records;

/** Keeps what this benchmark has measured. */
export function record(name: string, figures: Omit<Measurement, 'machine' | 'command'>): void {
  const command = ['npm run bench --', ...withoutPlaces(process.argv.slice(2))].join(' ');
  keep(name, { machine: thisMachine(), command, ...figures });
}

/** Keeps a measurement under this name, in place of the one before. Figures have three digits after the point. */
export function keep(name: string, measurement: Measurement): void {
  const records = { ...readRecords(), [name]: measurement };
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Number(value.toFixed(3)) : value);
  writeFileSync(FILE, `${JSON.stringify(records, rounded, 1)}\n`);
  progress(`Recorded ${name} in ${RECORDS}. Write the page: node test/bench/page.ts`);
}

/** Where the figures went says nothing about them. */
const PLACES: ReadonlySet<string | undefined> = new Set(['--record', '--json', '--chart']);

const withoutPlaces = (args: readonly string[]): string[] =>
  args.filter((arg, index) => !PLACES.has(arg) && !PLACES.has(args[index - 1]));
