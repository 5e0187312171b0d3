import type { Screen } from '../../../infra/local/terminal/screen.ts';

/** A screen that remembers what stays and what is below. */
export class RememberingScreen implements Screen {
  readonly kind: Screen['kind'];
  readonly columns = 80;
  readonly printed: string[] = [];
  below: readonly string[] = [];
  /** How often something was shown. */
  shows = 0;

  constructor(kind: Screen['kind']) {
    this.kind = kind;
  }

  print(...lines: readonly string[]): void {
    this.printed.push(...lines);
  }

  show(lines: readonly string[]): void {
    this.shows++;
    this.below = lines;
  }

  end(): void {}
}
