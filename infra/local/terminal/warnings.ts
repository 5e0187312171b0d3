import cliTruncate from 'cli-truncate';
import { printable, styled } from '../../text.ts';
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

/** What the programs warn about. Equal warnings are one line that counts them. */
export class Warnings {
  readonly #screen: Screen;
  readonly #onOwn: (text: string) => void;
  /** The one that came last is at the end. */
  readonly #warnings = new Map<string, Warning>();

  /** @param onOwn called with a warning of npm start itself, which is in no log. */
  constructor(screen: Screen, onOwn: (text: string) => void = () => {}) {
    this.#screen = screen;
    this.#onOwn = onOwn;
  }

  note(program: string, text: string, at: Date): void {
    const key = `${program} ${text}`;
    const warning = this.#warnings.get(key) ?? { program, text, count: 0, last: at };
    warning.count++;
    warning.last = at;
    this.#warnings.delete(key);
    this.#warnings.set(key, warning);
    // Where lines cannot change, the first one is printed, and the 10th, 100th and so on.
    const isPrinted = Number.isInteger(Math.log10(warning.count));
    if (this.#screen.kind === 'plain' && isPrinted) this.#screen.print(inColour(lineOf(warning)));
    if (program === 'npm start' && isPrinted) this.#onOwn(text);
    this.#retire(at);
  }

  /** The recent warnings, for the lines that change. */
  lines(now: Date): string[] {
    this.#retire(now);
    return this.#screen.kind === 'live' ? [...this.#warnings.values()].flatMap((each) => this.#wrapped(each)) : [];
  }

  #retire(now: Date): void {
    for (const [key, warning] of this.#warnings) {
      const isOld = now.getTime() - warning.last.getTime() > RECENT_MS;
      if (!isOld && this.#warnings.size <= MOST) continue;
      this.#warnings.delete(key);
      if (this.#screen.kind === 'live') this.#screen.print(...this.#wrapped(warning));
    }
  }

  #wrapped = (warning: Warning): string[] => wrapped(lineOf(warning), this.#screen.columns).map(inColour);
}

const inColour = (line: string): string => styled('yellow', line);

function lineOf({ program, text, count, last }: Warning): string {
  const time = last.toTimeString().slice(0, 8);
  const times = count === 1 ? '' : ` (${count} times)`;
  return `! ${time} ${program.replace('website-', '')}: ${cliTruncate(printable(text), LONGEST)}${times}`;
}
