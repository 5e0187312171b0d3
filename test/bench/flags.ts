// Values of flags, or an error that names the flag.
import { UsageError } from '../../infra/usage.ts';

/** Ours, or what Node says of a flag that it does not know. */
export const isUsageError = (error: unknown): error is Error =>
  error instanceof UsageError ||
  (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));

/** @throws UsageError when it is not a whole number above 0. */
export function count(flag: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text))
    throw new UsageError(`${flag} must be a whole number above 0, not ${JSON.stringify(text)}`);
  return Number(text);
}

/** @throws UsageError if one of the choices between the commas is unknown. */
export function choices<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map((each) => {
    const found = known.find((name) => name === each);
    if (found === undefined)
      throw new UsageError(`${flag} has none such as ${JSON.stringify(each)}: take ${known.join(', ')}`);
    return found;
  });
}
