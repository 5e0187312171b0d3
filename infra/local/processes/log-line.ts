/** A line of a program's log: of pino, as our programs write it, of zap, or plain text. */
export interface LogLine {
  readonly level: 'quiet' | 'warning';
  /** The line without its time, for people. */
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const PINO_WARN = 40;
const WARNINGS = new Set(['warn', 'error', 'dpanic', 'panic', 'fatal']);

/** A line that is not JSON, such as a warning of Node, becomes the message. */
export function logLineOf(line: string): LogLine {
  const fields = fieldsOf(line);
  const { level } = fields;
  const warns = typeof level === 'number' ? level >= PINO_WARN : WARNINGS.has(String(level).toLowerCase());
  return { level: warns ? 'warning' : 'quiet', text: textOf(fields), fields };
}

function fieldsOf(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Plain text.
  }
  return { msg: line };
}

const ofResource = (resource: unknown): string => (typeof resource === 'string' ? `(${resource})` : '');

function textOf(fields: Readonly<Record<string, unknown>>): string {
  const { msg, namespace, name, resource, err, error, why } = fields;
  const about =
    typeof namespace === 'string' && typeof name === 'string' ? `${namespace}/${name}` : ofResource(resource);
  const cause = error ?? (err as { readonly message?: unknown } | null | undefined)?.message ?? why;
  const subject = [msg, about].filter((each) => each !== undefined && each !== '').join(' ');
  return typeof cause === 'string' ? `${subject}: ${cause}` : subject;
}
