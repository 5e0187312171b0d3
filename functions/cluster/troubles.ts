/** As much of a logger as is needed here. */
interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * What cannot be used for now and has something older in its place: a file that is half written, keys that cannot be fetched.
 * /readyz shows it while it lasts. The log says it once when it begins, and once when it is over.
 */
export class Troubles {
  readonly #log: Log | undefined;
  readonly #current = new Map<string, string>();

  constructor(log?: Log) {
    this.#log = log;
  }

  /** @param subject what cannot be used. @param why without any secret. */
  begin(subject: string, why: string): void {
    if (this.#current.get(subject) === why) return;
    this.#current.set(subject, why);
    this.#log?.warn({ subject, why }, 'Kept the previous credentials');
  }

  end(subject: string): void {
    if (this.#current.delete(subject)) this.#log?.info({ subject }, 'Credentials are good again');
  }

  /** For people, a line each. */
  lines(): string[] {
    return [...this.#current].map(([subject, why]) => `${subject}: ${why}; the previous one stays in use`);
  }
}
