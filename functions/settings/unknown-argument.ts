/**
 * Names an argument that a program does not know, without quoting a value, which may be a secret. Anything that does not look like the
 * name of a flag may be one: `-hunter2`, or `--sink-tokenhunter2`.
 */
export const unknownArgument = ({
  index,
  rawName = '',
}: {
  readonly index: number;
  readonly rawName?: string;
}): string =>
  /^--[a-z]+(-[a-z]+)*$/.test(rawName) ? `Unknown option '${rawName}'` : `Unexpected argument at position ${index + 1}`;
