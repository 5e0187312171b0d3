// What the server sends and the browser shows. It imports nothing, so that both sides can use it.

/** The state of a Website, as the page shows it. For `problem`, a person has to act. `progressing` only needs time. */
export type Look = 'ready' | 'progressing' | 'problem' | 'suspended' | 'unseen' | 'deleting';

/** One Website, as a row of the list. */
export interface WebsiteRow {
  /** `namespace/name`. */
  readonly key: string;
  readonly look: Look;
  /** The reason of the condition Ready, or `NotSeenYet` or `StatusNotWritten`. */
  readonly reason: string;
  /** The message of the condition Ready, shortened. */
  readonly message: string;
  readonly image: string;
  /** Absent if no status says it. */
  readonly available?: number | undefined;
  /** Absent if neither the spec nor an autoscaler has decided yet. */
  readonly desired?: number | undefined;
  readonly url?: string | undefined;
  /** RFC 3339. */
  readonly createdAt?: string | undefined;
  /** RFC 3339: since when the condition Ready has its status. */
  readonly since?: string | undefined;
}

export interface Delivery {
  readonly result: 'accepted' | 'rejected' | 'failed';
  readonly attempts: number;
  /** From sending to the answer, in milliseconds. */
  readonly ms: number;
  /** Why it was not accepted. */
  readonly why?: string | undefined;
}

/** The course of one event: how it was delivered, what a function decided and what it wrote. */
export interface Run {
  /** Unique among all runs. */
  readonly id: string;
  /** `namespace/name` of the Website. */
  readonly website: string;
  /** The time of the last log line about it, in milliseconds since 1970. */
  readonly at: number;
  /** The reason of the event, or `resync`. */
  readonly event: string;
  readonly eventId?: string | undefined;
  /** `settled`, `waiting`, `stalled`, `gone` or `failed`. Absent while only the forwarder has logged it. */
  readonly outcome?: string | undefined;
  /** The reason of the condition Ready, or the code of the error. */
  readonly reason?: string | undefined;
  readonly error?: string | undefined;
  /** `create Deployment`, `update status`. */
  readonly actions: readonly string[];
  /** Paths of changed fields. Only the history has them. */
  readonly changed: readonly string[];
  /** How long the function worked, in milliseconds. */
  readonly ms?: number | undefined;
  readonly delivery?: Delivery | undefined;
}

export interface ForwarderView {
  /** `away` if it does not answer. */
  readonly state: 'ready' | 'not ready' | 'away';
  readonly problems: readonly string[];
  readonly queue: {
    readonly queued: number;
    readonly delayed: number;
    readonly atWork: number;
    /** Age of the oldest undelivered change. */
    readonly oldestSeconds: number;
  };
  readonly watches: readonly { readonly resource: string; readonly isConnected: boolean; readonly objects: number }[];
  readonly deliveries: {
    readonly accepted: number;
    readonly rejected: number;
    readonly failed: number;
    /** Half of the deliveries took at most this long. Absent before the first one, and if that took over a minute. */
    readonly medianMs?: number | undefined;
  };
}

/** Everything that the overview shows. */
export interface Snapshot {
  /** The API server. */
  readonly server: string;
  /** Why the page cannot follow the Websites. Then they are shown as they were. */
  readonly trouble: string | null;
  /** For how long the API server has not answered. Null while it answers. A server that hangs keeps the watch open, so `trouble` is null. */
  readonly silentSeconds: number | null;
  /** Null until it was first asked. */
  readonly forwarder: ForwarderView | null;
  readonly websites: readonly WebsiteRow[];
  /** The latest ones, oldest first. */
  readonly runs: readonly Run[];
}

/** What changed since the last message. An absent part did not change. */
export type Changes = Partial<Pick<Snapshot, 'trouble' | 'silentSeconds' | 'forwarder' | 'websites' | 'runs'>> & {
  /** Keys of Websites that no longer exist. */
  readonly gone?: readonly string[];
};

/** Everything about one Website. */
export interface Detail {
  readonly key: string;
  /** Absent if the Website does not exist. Its history may. */
  readonly website?: (WebsiteRow & { readonly fullMessage: string }) | undefined;
  readonly toDo?: string | undefined;
  readonly pods: readonly { readonly name: string; readonly cause: string }[];
  /** A child without an owner is missing. */
  readonly children: readonly { readonly kind: string; readonly name: string; readonly owner?: string }[];
  /** What the next reconcile writes: `update Deployment`. Absent if that could not be computed. */
  readonly nextWrites?: readonly string[] | undefined;
  readonly events: readonly {
    readonly at: string;
    readonly type: string;
    readonly reason: string;
    readonly about: string;
    readonly message: string;
  }[];
  readonly generations: readonly {
    readonly generation: number;
    readonly image: string;
    readonly startedAt: string;
    readonly readyAt?: string | undefined;
    readonly reason?: string | undefined;
    readonly message?: string | undefined;
  }[];
  /** Newest first. */
  readonly timeline: readonly Run[];
  /** Why parts are missing. */
  readonly trouble: readonly string[];
}
