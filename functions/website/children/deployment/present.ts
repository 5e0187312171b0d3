/** The type without `undefined` in any field. */
export type Present<T> = T extends object ? { [Key in keyof T]: Present<Exclude<T[Key], undefined>> } : T;

/** The same JSON value, without fields that are undefined, at any depth. */
export const present = <T extends object>(value: T): Present<T> => JSON.parse(JSON.stringify(value)) as Present<T>;
