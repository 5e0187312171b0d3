import { createReadStream } from 'node:fs';
import { unreadable } from '../../../functions/cluster/without-secrets.ts';
import type { LocalCommand } from '../command.ts';
import { UsageError } from '../../usage.ts';
import { EXIT, whyOf } from '../errors.ts';
import { HEADER_INSTEAD, HEADER_OPTIONS, headersFrom, remedyOfRefusal, type HeaderFlags } from '../header.ts';
import { table } from '../../table.ts';
import { urlFrom } from '../url.ts';
import { gapMs, waited } from './gaps.ts';

interface Flags extends HeaderFlags {
  readonly to: string;
  readonly speed?: string;
}

export const replayCommand: LocalCommand<Flags> = {
  usage: 'events replay <file>',
  about: 'Send recorded events again, in their order. Exit code 3 if the receiver did not accept all of them',
  options: [
    ['--to <url>', 'where to send them, such as http://localhost:8080/ of the functions'],
    ['--speed <factor>', 'keep the gaps between events, this many times faster; default: no gaps'],
    ...HEADER_OPTIONS,
  ],
  examples: [
    'events replay morning.jsonl --to http://localhost:8080/',
    'events replay morning.jsonl --to http://localhost:7071/api/websites --speed 10',
  ],
  async run({ interrupted, note }, flags, [file = '']) {
    const signal = interrupted();
    const target = targetFrom(flags);
    const answers = new Map<string, number>();
    let before: number | undefined;
    for await (const { event, line } of eventsIn(file, note)) {
      const at = Date.parse(event.time ?? '');
      await waited(gapMs(before, at, target.speed), { signal, note });
      if (signal.aborted) break;
      before = Number.isNaN(at) ? before : at;
      const answer = await sent(line, target);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
    const rows = [...answers].map(([answer, count]) => [String(count), answer]);
    const isAccepted = [...answers.keys()].every((answer) => answer.startsWith('2'));
    const remedies = [...answers.keys()].flatMap((answer) => remedyOfRefusal(Number.parseInt(answer, 10)) ?? []);
    const shown = [table([['EVENTS', 'ANSWER'], ...rows]), ...remedies.map((toDo) => `→ ${toDo}`)].join('\n');
    if (rows.length === 0 && !signal.aborted) throw new Error(`${file} has no complete event`);
    return { text: shown, data: Object.fromEntries(answers), code: isAccepted ? EXIT.ok : EXIT.no };
  },
};

interface Target {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined sends without gaps. */
  readonly speed: number | undefined;
}

const targetFrom = ({ to = '', speed, ...flags }: Partial<Flags>): Target => ({
  url: urlFrom('--to', to, { must: 'the http or https URL of the receiver', instead: HEADER_INSTEAD }),
  headers: headersFrom(flags),
  speed: speed === undefined ? undefined : factorFrom(speed),
});

function factorFrom(text: string): number {
  const factor = Number(text);
  if (Number.isFinite(factor) && factor > 0) return factor;
  throw new UsageError(`--speed must be a number above 0, but is ${text}`);
}

interface Recorded {
  readonly event: { readonly specversion?: unknown; readonly time?: string };
  readonly line: string;
}

async function* eventsIn(file: string, note: (line: string) => void): AsyncGenerator<Recorded> {
  let number = 0;
  try {
    for await (const line of linesIn(file)) {
      number++;
      if (line === '') continue;
      const where = `${file}, line ${number}`;
      const event = parsed(line, where);
      if (event === undefined) note(`Skipped ${where}: the event is not complete`);
      else yield { event, line };
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof TooLongError) throw new UsageError(`${file}, line ${number + 1} ${error.message}`);
    throw new UsageError(`Could not read ${unreadable(file, error)}`);
  }
}

/** No event is longer: a recorder and the functions accept 256 KiB, and JSON writes a byte with at most six characters. */
const LONGEST_LINE = 4 * 1024 * 1024;

class TooLongError extends Error {}

/** @throws TooLongError: what is not a file of events may have no lines and no end. */
async function* linesIn(file: string): AsyncGenerator<string> {
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    const [first = '', ...rest] = chunk.split('\n');
    pieces.push(first);
    length += first.length;
    if (length > LONGEST_LINE) throw new TooLongError(`is longer than ${LONGEST_LINE} characters`);
    for (const next of rest) {
      yield pieces.join('').trimEnd();
      pieces = [next];
      length = next.length;
    }
  }
  yield pieces.join('').trimEnd();
}

/** Undefined if the program that wrote the line ended in the middle of it. */
function parsed(line: string, where: string): Recorded['event'] | undefined {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    if (line.startsWith('{')) return undefined;
    throw new UsageError(`${where} is not JSON`);
  }
  const isEvent = typeof event === 'object' && event !== null && 'specversion' in event;
  if (!isEvent) throw new UsageError(`${where} is not a CloudEvent in structured form`);
  return event as Recorded['event'];
}

/** How the receiver answered, as `204 settled`. */
async function sent(line: string, { url, headers }: Target): Promise<string> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json; charset=utf-8', ...headers },
      body: line,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return [response.status, response.headers.get('website-outcome')].filter(Boolean).join(' ');
  } catch (error) {
    return `no answer: ${whyOf(error)}`;
  }
}

const TIMEOUT_MS = 60_000;
