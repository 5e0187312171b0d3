import type * as z from 'zod';

/** A rule that JSON Schema cannot express, once for zod and once in CEL for the API server. */
export interface Rule<T> {
  readonly cel: string;
  readonly holds: (value: T) => boolean;
  readonly message: string;
  /** Field of this object that the message is about, such as `tls.issuer`. */
  readonly field?: string;
  /** `Invalid value` unless stated. */
  readonly reason?: 'FieldValueRequired';
}

/** Exactly one of two optional fields. */
export const oneOf = <First extends string, Second extends string>(first: First, second: Second) => ({
  cel: `has(self.${first}) != has(self.${second})`,
  holds: (value: { readonly [Name in First | Second]?: unknown }) =>
    (value[first] === undefined) !== (value[second] === undefined),
  message: `must have one of ${first} and ${second}`,
});

/** `params.depth` tells the field that the message is about from the object that the rule is about. */
const about = (path: string[]) => ({ path, params: { depth: path.length } });

/** The schema with all of its rules between fields. A second call would replace the CEL of the first. */
export function withRules<Schema extends z.ZodType>(schema: Schema, rules: readonly Rule<z.output<Schema>>[]): Schema {
  const checked = rules.reduce(
    (each, { holds, message, field }) =>
      each.refine(holds, { message, ...(field === undefined ? {} : about(field.split('.'))) }),
    schema,
  );
  return checked.meta({
    'x-kubernetes-validations': rules.map(({ cel, message, field, reason }) => ({
      rule: cel,
      message,
      ...(field === undefined ? {} : { fieldPath: `.${field}` }),
      ...(reason === undefined ? {} : { reason }),
    })),
  });
}
