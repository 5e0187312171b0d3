/** Each deeply frozen value, and its JSON text once somebody has asked for it. */
const texts = new WeakMap<object, string | undefined>();

/**
 * A copy of a JSON value that nothing can change, so that it can be handed out again and again. What is such a copy already is
 * shared.
 */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || texts.has(value)) return value;
  const copy = Array.isArray(value)
    ? value.map((item: unknown) => frozen(item))
    : Object.fromEntries(Object.entries(value).map(([name, part]) => [name, frozen(part)]));
  texts.set(Object.freeze(copy), undefined);
  return copy as T;
}

/** `JSON.stringify`, which works out the text of a frozen value only once. */
export function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !texts.has(value)) return JSON.stringify(value) ?? 'undefined';
  const text = texts.get(value) ?? JSON.stringify(value);
  texts.set(value, text);
  return text;
}
