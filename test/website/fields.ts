// The fields of the schema, and for each of them pairs of valid specs that differ in this field alone.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { differences } from '../../functions/website/differences.ts';
import { thousandths } from '../../functions/website/children/deployment/quantity.ts';
import { websiteSpec } from '../../functions/website/resource.ts';
import { anyValue, keepsRules, keyOf, specSchema, type Schema, type Spec } from './generated.ts';

/** Two values that differ in one field alone, and mean different things. */
export type Change<T = unknown> = readonly [before: T, after: T];

interface Field<T = unknown> {
  /** Such as `spec.env[].value`. */
  readonly path: string;
  readonly change: fc.Arbitrary<Change<T>>;
}

/** Every field of the spec that has no fields below it. */
export const FIELDS: readonly Field<Spec>[] = fieldsOf(specSchema, 'spec', true).map(({ path, change }) => ({
  path,
  change: (change as fc.Arbitrary<Change<Spec>>).filter((specs) => specs.every(keepsRules) && !meanTheSame(specs)),
}));

/** A default and an empty value have the same meaning as an absent field. */
function meanTheSame(specs: Change<Spec>): boolean {
  const [before, after] = specs.map((spec) => websiteSpec.parse(spec));
  return differences(before, after).length === 0;
}

function fieldsOf(of: Schema, path: string, isRequired: boolean): Field[] {
  const any = anyValue(of, path);
  if (of.items !== undefined) {
    const items = any as fc.Arbitrary<unknown[]>;
    const fields = fieldsOf(of.items, `${path}[]`, true);
    return fields.map((field) => ({ ...field, change: inList(of, items, field.change) }));
  }
  const properties = Object.entries(of.properties ?? {});
  if (properties.length === 0) return [{ path, change: changedValue(of, isRequired ? any : optional(any)) }];
  return properties.flatMap(([name, part]) => {
    const fields = fieldsOf(part, `${path}.${name}`, of.required?.includes(name) === true);
    return fields.map((field) => ({ ...field, change: inObject(any as fc.Arbitrary<Spec>, name, field.change) }));
  });
}

/** `undefined` leaves the field out. */
function optional(any: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.option(any, { nil: undefined });
}

function changedValue(of: Schema, any: fc.Arbitrary<unknown>): fc.Arbitrary<Change> {
  return fc.tuple(any, any).filter(([before, after]) => !isDeepStrictEqual(meaning(of, before), meaning(of, after)));
}

/** An amount can be written in several ways, such as 500m and 0.5. */
function meaning(of: Schema, value: unknown): unknown {
  const isAmount = of['x-kubernetes-int-or-string'] === true;
  return isAmount && (typeof value === 'string' || typeof value === 'number') ? thousandths(String(value)) : value;
}

function inObject(any: fc.Arbitrary<Spec>, name: string, change: fc.Arbitrary<Change>): fc.Arbitrary<Change> {
  return fc.tuple(any, change).map(([whole, [before, after]]) => {
    const { [name]: _, ...others } = whole;
    const set = (value: unknown) => (value === undefined ? others : { ...others, [name]: value });
    return [set(before), set(after)];
  });
}

function inList(of: Schema, any: fc.Arbitrary<unknown[]>, change: fc.Arbitrary<Change>): fc.Arbitrary<Change> {
  return fc.tuple(any, change, fc.nat()).map(([items, [before, after], number]) => {
    const keys = new Set([keyOf(of, before), keyOf(of, after)]);
    const others = items.filter((item) => !keys.has(keyOf(of, item)));
    const insert = (item: unknown) => others.toSpliced(number % (others.length + 1), 0, item);
    return [insert(before), insert(after)];
  });
}
