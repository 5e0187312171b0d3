// Values of flags, or an error that names the flag.

/** @throws when it is not a whole number above 0. */
export function count(flag: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${flag} must be a whole number above 0, not ${JSON.stringify(text)}`);
  return Number(text);
}

/** @throws when one of those between the commas is none of the known. */
export function choices<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map((each) => {
    const found = known.find((name) => name === each);
    if (found === undefined)
      throw new Error(`${flag} has none such as ${JSON.stringify(each)}: take ${known.join(', ')}`);
    return found;
  });
}
