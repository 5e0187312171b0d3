interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Credentials that could not be renewed: a file is half written, or keys cannot be fetched. The previous ones stay in use meanwhile.
 * The answer to /readyz shows each trouble while it lasts. The log reports it once when it begins and once when it ends.
 */
export class Troubles {
  readonly #log: Log | undefined;
  readonly #current = new Map<string, string>();

  constructor(log?: Log) {
    this.#log = log;
  }

  /** @param subject the credential. @param why the reason, without secrets. */
  begin(subject: string, why: string): void {
    if (this.#current.get(subject) === why) return;
    this.#current.set(subject, why);
    this.#log?.warn({ subject, why }, 'Kept the previous credentials');
  }

  end(subject: string): void {
    if (this.#current.delete(subject)) this.#log?.info({ subject }, 'Credentials are good again');
  }

  /** One line of text for each trouble. */
  lines(): string[] {
    return [...this.#current].map(([subject, why]) => `${subject}: ${why}; the previous one stays in use`);
  }
}
