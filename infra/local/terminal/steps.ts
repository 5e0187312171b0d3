import type { Progress } from '../binaries/binaries.ts';
import { plainProgress } from '../binaries/progress.ts';
import { styled } from '../../text.ts';
import type { Screen } from './screen.ts';

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏';
const FRAME_MS = 80;
const NAME_WIDTH = 44;

/** Shows a step while it is at work, and how long it took. */
export type Step = <T>(name: string, work: Promise<T>) => Promise<T>;

/** The steps of the start, one at a time: a spinner for the one at work, a tick or a cross for each that has ended. */
export class Steps {
  readonly #screen: Screen;
  #detail: string | undefined;
  /** Progress of the step at work. */
  readonly progress: Progress;

  constructor(screen: Screen) {
    this.#screen = screen;
    const keep = (line: string) => screen.print(styled('dim', `  ${line}`));
    const replace: Progress = (line, lifetime) => {
      if (lifetime === 'replaced') this.#detail = line;
      else keep(line);
    };
    this.progress = screen.kind === 'live' ? replace : plainProgress(keep);
  }

  step: Step = async (name, work) => {
    const start = performance.now();
    const line = (mark: string) => `${mark} ${name.padEnd(NAME_WIDTH)} ${styled('dim', secondsSince(start))}`;
    const spin = () => {
      const frame = FRAMES[Math.floor((performance.now() - start) / FRAME_MS) % FRAMES.length] ?? '';
      const detail = this.#detail === undefined ? [] : [styled('dim', `  ${this.#detail}`)];
      this.#screen.show([line(styled('cyan', frame)), ...detail]);
    };
    const timer = this.#screen.kind === 'live' ? setInterval(spin, FRAME_MS) : undefined;
    let mark = styled('red', '✗');
    try {
      const result = await work;
      mark = styled('green', '✔');
      return result;
    } finally {
      clearInterval(timer);
      this.#detail = undefined;
      if (this.#screen.kind === 'live') this.#screen.show([]);
      this.#screen.print(line(mark));
    }
  };
}

export const secondsSince = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
