/** A place at which two JSON values differ. */
export interface Difference {
  /** Such as `spec.template.spec.containers[0].image`. */
  readonly path: string;
  readonly left: unknown;
  readonly right: unknown;
}

/** The paths at which two JSON values differ. */
export const differences = (left: unknown, right: unknown): string[] =>
  differencesBetween(left, right).map(({ path }) => path);

/** Treats absent, empty and null as equal, as the API server does (Go's `omitempty`). */
export function differencesBetween(left: unknown, right: unknown, path = ''): Difference[] {
  if (left === right || (isEmpty(left) && isEmpty(right))) return [];
  if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
    return left.flatMap((item, index) => differencesBetween(item, right[index], `${path}[${index}]`));
  }
  if (isRecord(left) && isRecord(right)) {
    const names = Object.keys({ ...left, ...right });
    return names.flatMap((name) => differencesBetween(left[name], right[name], path === '' ? name : `${path}.${name}`));
  }
  return [{ path, left, right }];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (typeof value !== 'object') return false;
  return Object.values(value).every(isEmpty);
}
