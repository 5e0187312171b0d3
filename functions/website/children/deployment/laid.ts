/**
 * Lays optional fields over an object that was read. Each field is taken as a whole or left alone.
 * - A field that the spec states now is ours.
 * - A field that it stated before, and no longer does, gets its default or is removed.
 * - Any other field belongs to other writers, such as admission policies, and stays.
 * @param defaults the desired object, with the defaults of fields that the spec does not state.
 */
export function laidOver<T extends object>(
  have: T,
  defaults: T,
  fields: readonly (keyof T & string)[],
  { now, before }: Statement,
): T {
  const ours = fields.filter((field) => now.has(field) || before.has(field));
  const taken = ours.filter((field) => defaults[field] !== undefined).map((field) => [field, defaults[field]] as const);
  const kept = Object.entries(have).filter(([field]) => !ours.some((each) => each === field));
  return { ...Object.fromEntries(kept), ...Object.fromEntries(taken) } as T;
}

/** The optional fields that the spec states, and those that it stated when the object was written. */
export interface Statement {
  readonly now: ReadonlySet<string>;
  readonly before: ReadonlySet<string>;
}
