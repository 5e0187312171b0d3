/** A line of JSON without the characters that JSON leaves as they are and that command a terminal, or end a line for some. */
export const printable = (line: string): string =>
  // oxlint-disable-next-line no-control-regex -- those are meant
  line.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
