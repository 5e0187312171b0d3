// What the command lines of this folder have in common.

/** A wrong command line, answer or file. The message names it and says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * The value of a flag for a port. 0 picks a free port.
 * @param must the start of the message.
 * @throws UsageError
 */
export function portFrom(text = '0', must = '--port must be'): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError(`${must} a whole number from 0 to 65535`);
}
