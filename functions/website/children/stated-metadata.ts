// The labels and annotations that `spec.childMetadata` states on a child, beside those of other writers.
import * as z from 'zod';
import type { ObjectMeta, WebsiteSpec } from '../resource.ts';

export type ChildMetadata = NonNullable<WebsiteSpec['childMetadata']>;
type Meta = Pick<ObjectMeta, 'labels' | 'annotations'>;
type Texts = Readonly<Record<string, string>>;

const names = z.array(z.string()).default([]);
const statement = z.object({ labels: names, annotations: names });
/** The names that a spec stated when a child was written. */
export type StatedNames = z.output<typeof statement>;

/** The annotation's value: `{"labels":["team"]}`, or `{}` for a spec that no longer states anything. */
export function statementText({ labels = {}, annotations = {} }: ChildMetadata): string {
  const parts = Object.entries({ labels, annotations }).map(([part, texts]) => [part, Object.keys(texts).toSorted()]);
  return JSON.stringify(Object.fromEntries(parts.filter(([, stated]) => stated?.length !== 0)));
}

/** A value that somebody broke states nothing, so that what other writers wrote stays. */
export function namesIn(text = '{}'): StatedNames {
  return statement.catch({ labels: [], annotations: [] }).parse(parsedJson(text));
}

/**
 * Labels and annotations that the spec states are as it says. Those that have left the spec are gone. All others stay.
 * @param now what the desired object states, and `before` what the one that was read stated.
 */
export const withStated = (have: Meta, want: Meta, now: StatedNames, before: StatedNames) => ({
  labels: { ...without(have.labels, before.labels), ...only(want.labels, now.labels) },
  annotations: { ...without(have.annotations, before.annotations), ...only(want.annotations, now.annotations) },
});

export const without = (texts: Texts = {}, left: readonly string[]): Texts =>
  Object.fromEntries(Object.entries(texts).filter(([name]) => !left.includes(name)));

export const only = (texts: Texts = {}, stated: readonly string[]): Texts =>
  Object.fromEntries(Object.entries(texts).filter(([name]) => stated.includes(name)));

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
