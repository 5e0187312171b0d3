// Figures that are read from results.
import type { PhaseResult } from './result.ts';

/** A figure of one phase of one subject in one round; nothing where there is none. */
export type Figure = (result: PhaseResult) => number | undefined;

const CONTROL_PLANE: ReadonlySet<string> = new Set(['kube-apiserver', 'etcd']);

/** The subject's own processes. */
export const ownOf = (values: Readonly<Record<string, number>>): string[] =>
  Object.keys(values).filter((name) => !CONTROL_PLANE.has(name));

/** Of the subject's own processes. */
export function totalOf(values: Readonly<Record<string, number>>): number | undefined {
  const own = ownOf(values);
  return own.length === 0 ? undefined : own.reduce((sum, name) => sum + (values[name] ?? NaN), 0);
}

export const perWebsite =
  (of: Figure): Figure =>
  (result) => {
    const value = of(result);
    return value === undefined || result.count === 0 ? undefined : value / result.count;
  };

/** In milliseconds. */
export const cpuPerWebsite: Figure = perWebsite(({ cpuMs }) => totalOf(cpuMs));
