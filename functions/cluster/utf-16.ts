/**
 * Whether a file that was read as UTF-8 is UTF-16, as older Windows programs write it. Its byte order mark is not UTF-8, and half of
 * the bytes of English text are 0.
 */
export const isUtf16 = (text: string): boolean => text.startsWith('\ufffd\ufffd') || text.includes('\0');
