// The port of the history: what a store keeps, and what its adapters promise.

/** What one run did to one Website. It holds the paths of changed fields and never their values. */
export interface HistoryRecord {
  /** When the run ended, in milliseconds since 1970. */
  readonly at: number;
  /** The cluster's name: `CLUSTER_NAME`, or the context of one of several clusters. */
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** Absent for a run of a resync. */
  readonly eventId?: string;
  /** The reason of the event, or `resync`. */
  readonly eventReason: string;
  /** `settled`, `waiting`, `stalled`, `gone` or `failed`. */
  readonly outcome: string;
  /** The reason of the condition Ready, or the code of the error. */
  readonly reason?: string;
  /** `create Deployment`, `update status`. */
  readonly actions: readonly string[];
  /** `Deployment spec.replicas`. */
  readonly changed: readonly string[];
  readonly durationMs: number;
}

/** A place in the history. The store's own number distinguishes records of the same millisecond. */
export interface Position {
  readonly at: number;
  /** Absent for the time alone. */
  readonly id?: string;
}

export interface StoredRecord extends HistoryRecord {
  readonly id: string;
}

export interface HistoryQuery {
  readonly cluster?: string | undefined;
  readonly namespace?: string | undefined;
  /** Only together with a namespace. */
  readonly name?: string | undefined;
  readonly limit: number;
  /** Only records before this place. */
  readonly before?: Position | undefined;
}

/**
 * A database with the history. Each call settles within the given milliseconds, even if the database hangs.
 * @throws HistoryError from every call.
 */
export interface HistoryStore {
  /** Connects, and creates or updates the tables. Later calls do the same if it failed or the connection was lost. */
  open(withinMs: number): Promise<void>;
  /**
   * Writes all records, or fails as a whole. After an error, they may be stored anyway: the answer may have been lost. A second write
   * of the same records stores each only once.
   */
  add(records: readonly HistoryRecord[], withinMs: number): Promise<void>;
  /** Newest first. */
  list(query: HistoryQuery, withinMs: number): Promise<readonly StoredRecord[]>;
  /** Deletes at most `most` records from before a time. @returns how many. */
  prune(before: number, most: number, withinMs: number): Promise<number>;
  close(): Promise<void>;
}

/** The store failed. The message is the database's own or ours, and never contains a password. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
  readonly why: 'failed' | 'late';

  constructor(why: 'failed' | 'late', message: string, options?: ErrorOptions) {
    super(message, options);
    this.why = why;
  }
}
