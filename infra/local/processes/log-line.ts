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
  return { level: warns ? 'warning' : 'quiet', text: textOf(isRest(fields) ? leftOutFields(fields) : fields), fields };
}

/** How many lines the program left out before this one, because they were about the same problem. */
export function leftOutOf({ fields: { leftOut } }: LogLine): number {
  return typeof leftOut === 'number' ? leftOut : 0;
}

/** How many log lines it stands for, by their text. The lines left out may be about other objects, so they are counted without a name. */
export function timesByText(line: LogLine): ReadonlyMap<string, number> {
  const { text, fields } = line;
  const leftOut = leftOutOf(line);
  if (leftOut === 0) return new Map([[text, 1]]);
  if (isRest(fields)) return new Map([[text, leftOut]]);
  const general = textOf({ ...fields, namespace: undefined, name: undefined, resource: undefined });
  const times = new Map([[text, 1]]);
  return times.set(general, (times.get(general) ?? 0) + leftOut);
}

type Fields = LogLine['fields'];

/** Whether it stands only for lines that were left out. A program writes it when a flood of lines ends. */
const isRest = ({ msg }: Fields): boolean => msg === 'Left out lines';

const leftOutFields = ({ line, problem }: Fields): Fields => ({ msg: line, why: problem });

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

function textOf(fields: Fields): string {
  const { msg, namespace, name, resource, err, error, why } = fields;
  const about =
    typeof namespace === 'string' && typeof name === 'string' ? `${namespace}/${name}` : ofResource(resource);
  const cause = error ?? (err as { readonly message?: unknown } | null | undefined)?.message ?? why;
  const subject = [msg, about].filter((each) => each !== undefined && each !== '').join(' ');
  return typeof cause === 'string' ? `${subject}: ${cause}` : subject;
}
