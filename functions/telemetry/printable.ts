/** Escapes the characters in a JSON line that control a terminal, turn the direction of a text, or end a line for some readers. */
export const printable = (line: string): string =>
  // oxlint-disable-next-line no-control-regex -- matches control characters on purpose
  line.replace(
    /[\u007f-\u009f\p{Bidi_Control}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
