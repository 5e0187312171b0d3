/** What happens to a request instead of, or on top of, being passed on. */
export type Fault =
  /** Answers in place of the server, with a Kubernetes Status or a redirect. */
  | {
      readonly answer: number;
      readonly reason?: string;
      readonly message?: string;
      readonly retryAfter?: number;
      readonly location?: string;
    }
  /** Breaks the connection before there is an answer. */
  | { readonly drop: 'before' }
  /** Passes the request on and breaks the connection instead of answering: the request takes effect, but the client cannot know. */
  | { readonly drop: 'answer' }
  /** Ends the answer at once, as if nothing had happened. */
  | { readonly close: 'empty' }
  /** Adds a line to a watch, and ends it. */
  | { readonly line: string }
  /** Passes on this many bytes and then breaks the connection, in the middle of a line most likely. */
  | { readonly cutAfter: number }
  /** Passes on this many bytes and then ends the answer, as if that had been all. */
  | { readonly truncateAfter: number }
  /** Passes on nothing, and keeps the connection open. */
  | { readonly freeze: true }
  /** Passes the request on after this long. */
  | { readonly delayMs: number }
  /** Passes the request on once this is resolved. */
  | { readonly until: Promise<unknown> }
  /** Passes the answer on in small pieces, with this long before each. */
  | { readonly pieceEveryMs: number }
  /** Passes on these lines for each line of the answer. */
  | { readonly lines: (line: string) => readonly string[] }
  /** Answers with what the same path was answered first, as a cache does that lags; passes on what is new. */
  | { readonly stale: true };

/** Each line of a watch comes twice. */
export const everyLineTwice: Fault = { lines: (line) => [line, line] };

/** A watch without line number `count` of those that have this text in them: an event that is lost. */
export function withoutLine(count: number, text = ''): Fault {
  let seen = 0;
  return { lines: (line) => (line.includes(text) && ++seen === count ? [] : [line]) };
}

export interface Rule {
  readonly method?: string;
  /** Part of the path with its query. */
  readonly path: RegExp;
  readonly fault: Fault;
  /** How often it applies; for ever when absent. */
  times?: number;
}

/** As much of a request as it takes to choose a fault. */
export interface Asked {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** The fault of the first rule that matches a request. Undefined if no rule does. */
export function faultBy(rules: readonly Rule[], { method: verb, url = '' }: Asked): Fault | undefined {
  const rule = rules.find(
    ({ method, path, times }) => (method === undefined || method === verb) && path.test(url) && times !== 0,
  );
  if (rule?.times !== undefined) rule.times--;
  return rule?.fault;
}
