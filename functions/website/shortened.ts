/** Longest id or name from outside that a log line quotes. */
export const LONGEST_QUOTE = 128;

/**
 * The text, cut to `mostBytes` with an ellipsis at its end if it is longer. The limit counts bytes of UTF-8, as the API server's
 * limits do.
 */
export function shortened(text: string, mostBytes: number): string {
  // No character takes more than three bytes for each UTF-16 code unit.
  if (text.length * 3 <= mostBytes || Buffer.byteLength(text) <= mostBytes) return text;
  const room = mostBytes - Buffer.byteLength(ELLIPSIS);
  // A character that was cut in half decodes to the replacement character.
  const kept = Buffer.from(text.slice(0, room)).subarray(0, room).toString();
  return kept.replace(/\ufffd+$/, '') + ELLIPSIS;
}

const ELLIPSIS = '…';
