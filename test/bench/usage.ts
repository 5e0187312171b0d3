// What Linux knows of processes; each with those that it started.
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts in ticks of 10 ms. */
const TICK_MS = 10;

/** CPU time so far, in milliseconds. */
export const cpuMs = (pid: number): number => sum(tree(pid), (each) => ticksOf(each) * TICK_MS);

/** @param field `VmRSS` for now, `VmHWM` for the most that it ever was. */
export const rssMiB = (pid: number, field: 'VmRSS' | 'VmHWM'): number =>
  sum(tree(pid), (each) => {
    const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${each}/status`, 'utf8')) ?? [];
    return Number(kilobytes ?? 0) / 1024;
  });

/** CPU time of the whole machine so far, in ticks: that in which it worked, and that in which it had nothing to do. */
export function machineTicks(): { readonly idle: number; readonly all: number } {
  const [, text = ''] = /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8')) ?? [];
  // What is behind the first eight is part of them.
  const ticks = text.split(' ').slice(0, 8).map(Number);
  const [, , , idle = 0, waiting = 0] = ticks;
  return { idle: idle + waiting, all: ticks.reduce((total, each) => total + each, 0) };
}

/** What a process holds now, in MiB: all of it, and what it shares with no file. */
export interface Resident {
  readonly rss: number;
  readonly anonymous: number;
}

export function residentMiB(pid: number): Resident {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return { rss: of('VmRSS'), anonymous: of('RssAnon') };
}

const sum = (pids: readonly number[], of: (pid: number) => number): number =>
  pids.reduce((total, pid) => total + of(pid), 0);

/** Fields are counted from the parent's id on: a name may hold anything, brackets too. */
const statOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];

function ticksOf(pid: number): number {
  const fields = statOf(pid);
  return Number(fields[11]) + Number(fields[12]);
}

function tree(root: number): number[] {
  const children = Map.groupBy(parents(), ({ parent }) => parent);
  const under = (pid: number): number[] => [pid, ...(children.get(pid) ?? []).flatMap((each) => under(each.pid))];
  return under(root);
}

function parents(): { readonly pid: number; readonly parent: number }[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return [{ pid: Number(name), parent: Number(statOf(Number(name))[1]) }];
    } catch {
      // It has ended.
      return [];
    }
  });
}
