import type * as z from 'zod';

/** A rule that JSON Schema cannot express, once for zod and once in CEL for the API server. */
export interface Rule<T> {
  readonly cel: string;
  readonly holds: (value: T) => boolean;
  readonly message: string;
  /** Field of this object that the message is about. */
  readonly field?: string;
}

/** The schema with all of its rules between fields. A second call would replace the CEL of the first. */
export function withRules<Schema extends z.ZodType>(schema: Schema, rules: readonly Rule<z.output<Schema>>[]): Schema {
  const checked = rules.reduce(
    (each, { holds, message, field }) =>
      each.refine(holds, { message, ...(field === undefined ? {} : { path: [field] }) }),
    schema,
  );
  return checked.meta({
    'x-kubernetes-validations': rules.map(({ cel, message, field }) => ({
      rule: cel,
      message,
      ...(field === undefined ? {} : { fieldPath: `.${field}` }),
    })),
  });
}
