/** The message of an error. undici leaves it empty and wraps the system's error as the cause. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === '' && error.cause !== undefined ? messageOf(error.cause) : error.message;
}

/** Replaces a parser's error, whose message quotes the input and so may contain a secret. */
export function withoutQuotes(error: unknown): unknown {
  if (error instanceof SyntaxError) return new Error('the answer is not JSON');
  if (error instanceof Error && error.name === 'YAMLException') return new Error('it is not YAML');
  return error;
}
