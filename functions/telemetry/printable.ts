/** Escapes the characters in a JSON line that control a terminal or that some readers take for the end of a line. */
export const printable = (line: string): string =>
  // oxlint-disable-next-line no-control-regex -- matches control characters on purpose
  line.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
