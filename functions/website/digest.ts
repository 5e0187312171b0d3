/**
 * A 64-bit hash that detects changes of a text. It is not cryptographic: it consists of two 32-bit hashes in the manner of FNV-1a,
 * because the core imports no modules of Node.
 */
export function digest(text: string): string {
  let left = 0x811c9dc5;
  let right = 0x01234567;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    left = Math.imul(left ^ code, 0x01000193);
    right = Math.imul(right ^ code, 0x01000193) ^ (right >>> 15);
  }
  return [left, right].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
