/**
 * Paths at which two JSON values differ, such as `spec.template.spec.containers[0].image`; none when they are equal.
 * Absent, empty and null are the same, as they are to the API server (Go's `omitempty`).
 */
export function differences(left: unknown, right: unknown, path = ''): string[] {
  if (left === right || (isEmpty(left) && isEmpty(right))) return [];
  if (Array.isArray(left) && Array.isArray(right) && left.length === right.length) {
    return left.flatMap((item, index) => differences(item, right[index], `${path}[${index}]`));
  }
  if (isRecord(left) && isRecord(right)) {
    const names = Object.keys({ ...left, ...right });
    return names.flatMap((name) => differences(left[name], right[name], path === '' ? name : `${path}.${name}`));
  }
  return [path];
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (typeof value !== 'object') return false;
  return Object.values(value).every(isEmpty);
}
