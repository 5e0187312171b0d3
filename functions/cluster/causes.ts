/**
 * The message of an error, or of its causes if it has none: undici wraps the system's error, and Node reports one error for each
 * address of a name.
 */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error.cause === undefined ? error.name : messageOf(error.cause);
}

/** Replaces a parser's error, whose message quotes the input and so may contain a secret. */
export function withoutQuotes(error: unknown): unknown {
  if (error instanceof SyntaxError) return new Error('the answer is not JSON');
  if (error instanceof Error && error.name === 'YAMLException') return new Error(yamlProblem(error));
  return error;
}

/** @param error of js-yaml, whose other reasons may quote the text. */
function yamlProblem(error: Error): string {
  const { reason, mark } = error as { readonly reason?: string; readonly mark?: { readonly line: number } };
  const what = reason === 'duplicated mapping key' ? 'it has a key twice' : 'it is not YAML';
  return mark === undefined ? what : `${what} (line ${mark.line + 1})`;
}
