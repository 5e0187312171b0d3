import cliTruncate from 'cli-truncate';

/** Breaks a text without colours into lines, between words where it can. @param most lines; the last one says if there is more. */
export function wrapped(text: string, columns: number, most = Infinity): string[] {
  const width = Math.max(1, columns);
  const line = new RegExp(` *(.{1,${width}}(?= |$)|.{${width}})`, 'gu');
  const lines = [...text.matchAll(line)].map(([, part = '']) => part.trimEnd());
  if (lines.length <= most) return lines;
  const shown = lines.slice(0, most - 1);
  return [...shown, cliTruncate(`${lines[most - 1]}…`, width)];
}
