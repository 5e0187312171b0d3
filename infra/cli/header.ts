import { UsageError } from '../usage.ts';

/** Reads `NAME: VALUE`. @throws UsageError */
export function headerFrom(text: string): Readonly<Record<string, string>> {
  const [, name, value = ''] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError('--header must have the form "NAME: VALUE"');
  return { [name]: value };
}
