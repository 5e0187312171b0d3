import cliTruncate from 'cli-truncate';
import { Bucket } from '../../../functions/bucket.ts';
import { counted, printable, styled } from '../../text.ts';
import { timesByText, type LogLine } from '../processes/log-line.ts';
import { clock } from './clock.ts';
import type { Screen } from './screen.ts';
import { wrapped } from './wrapped.ts';

interface Warning {
  readonly program: string;
  readonly text: string;
  count: number;
  last: Date;
}

/** Most warnings that stay below. Older ones move up, and stay there. */
const MOST = 5;
/** Most characters of a warning. Its log has the rest. */
const LONGEST = 400;
/** A warning that has not come again for this long moves up. */
const RECENT_MS = 60_000;
/** Warnings that stay. Many name a Website, so a cluster that fails has one for each. */
const PERMANENT = { burst: 10, perSecond: 1 / 10 };

/** What the programs warn about. Equal warnings are one line that counts them. */
export class Warnings {
  readonly #screen: Screen;
  readonly #onOwn: (text: string) => void;
  /** The one that came last is at the end. */
  readonly #warnings = new Map<string, Warning>();
  readonly #permanent = new Bucket(PERMANENT);
  /** How many warnings were left out since the last one that was printed to stay. */
  #left = 0;

  /** @param onOwn called with a warning of npm start itself, which is in no log. */
  constructor(screen: Screen, onOwn: (text: string) => void = () => {}) {
    this.#screen = screen;
    this.#onOwn = onOwn;
  }

  /** Counts the lines that the program left out, too. */
  noteLine(program: string, line: LogLine, at: Date): void {
    for (const [text, times] of timesByText(line)) this.note(program, text, at, times);
  }

  note(program: string, text: string, at: Date, times = 1): void {
    const key = `${program} ${text}`;
    const warning = this.#warnings.get(key) ?? { program, text, count: 0, last: at };
    // Where lines cannot change, the first one is printed, and the 10th, 100th and so on. A count may pass such a number.
    const isPrinted = digitsOf(warning.count + times) > digitsOf(warning.count);
    warning.count += times;
    warning.last = at;
    this.#warnings.delete(key);
    this.#warnings.set(key, warning);
    if (this.#screen.kind === 'plain' && isPrinted) this.#keep([inColour(lineOf(warning))], at);
    if (program === 'npm start' && isPrinted) this.#onOwn(text);
    this.#retire(at);
  }

  /** The recent warnings, for the lines that change. */
  lines(now: Date): string[] {
    this.#retire(now);
    if (this.#left > 0 && this.#mayPrint(now)) this.#print([], now);
    return this.#screen.kind === 'live' ? [...this.#warnings.values()].flatMap((each) => this.#wrapped(each)) : [];
  }

  #retire(now: Date): void {
    for (const [key, warning] of this.#warnings) {
      const isOld = now.getTime() - warning.last.getTime() > RECENT_MS;
      if (!isOld && this.#warnings.size <= MOST) continue;
      this.#warnings.delete(key);
      if (this.#screen.kind === 'live') this.#keep(this.#wrapped(warning), now);
    }
  }

  #keep(lines: readonly string[], now: Date): void {
    if (this.#mayPrint(now)) this.#print(lines, now);
    else this.#left++;
  }

  #mayPrint = (now: Date): boolean => this.#permanent.waitMs(now.getTime()) === 0;

  #print(lines: readonly string[], now: Date): void {
    this.#permanent.spend(now.getTime());
    const left = `! ${clock(now)} ${counted(this.#left, 'more warning')}: see the logs`;
    this.#screen.print(...(this.#left > 0 ? [inColour(left)] : []), ...lines);
    this.#left = 0;
  }

  #wrapped = (warning: Warning): string[] => wrapped(lineOf(warning), this.#screen.columns).map(inColour);
}

const digitsOf = (count: number): number => (count === 0 ? 0 : String(count).length);

const inColour = (line: string): string => styled('yellow', line);

function lineOf({ program, text, count, last }: Warning): string {
  const times = count === 1 ? '' : ` (${count} times)`;
  return `! ${clock(last)} ${program.replace('website-', '')}: ${cliTruncate(printable(text), LONGEST)}${times}`;
}
