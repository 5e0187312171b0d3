import type { ServerResponse } from 'node:http';
import type { Changes, Snapshot } from './shown.ts';

interface Source {
  snapshot(): Snapshot;
  changes(): Changes;
  changed: () => void;
}

/** Each tab of a browser has one. */
const MOST_CLIENTS = 32;
/** How long changes are gathered before they are sent together. */
const GATHER_MS = 150;
/** A client that reads nothing for this long is dropped. Its browser connects again if it is alive. */
const STUCK_MS = 30_000;

interface Limits {
  readonly mostClients?: number;
  readonly stuckMs?: number;
}

/**
 * Sends the model to every open page as server-sent events: first everything, then what changed. A client that reads slowly gets no
 * changes until it has read what it was sent, and then everything again. So no more than one snapshot waits for each client.
 */
export class Stream {
  readonly #source: Source;
  readonly #limits: Required<Limits>;
  readonly #clients = new Set<Client>();
  #gathering: NodeJS.Timeout | undefined;

  constructor(source: Source, { mostClients = MOST_CLIENTS, stuckMs = STUCK_MS }: Limits = {}) {
    this.#source = source;
    this.#limits = { mostClients, stuckMs };
    source.changed = () => {
      // Without clients, the changes must not pile up.
      if (this.#clients.size === 0) source.changes();
      else this.#gathering ??= setTimeout(() => this.#sendChanges(), GATHER_MS);
    };
  }

  get size(): number {
    return this.#clients.size;
  }

  get isFull(): boolean {
    return this.#clients.size >= this.#limits.mostClients;
  }

  /** Sends everything to a new client, and later the changes until it goes away. */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    response.writeHead(200, { ...headers, 'content-type': 'text/event-stream' });
    response.write('retry: 1000\n\n');
    const client = new Client(response, () => messageOf('snapshot', this.#source.snapshot()), this.#limits.stuckMs);
    this.#clients.add(client);
    response.once('close', () => {
      this.#clients.delete(client);
      client.ended();
    });
    client.sendEverything();
  }

  end(): void {
    clearTimeout(this.#gathering);
    for (const client of this.#clients) client.end();
  }

  #sendChanges(): void {
    this.#gathering = undefined;
    const message = messageOf('changes', this.#source.changes());
    for (const client of this.#clients) client.send(message);
  }
}

const messageOf = (event: string, data: unknown): string => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

class Client {
  readonly #response: ServerResponse;
  readonly #everything: () => string;
  readonly #stuckMs: number;
  #stuck: NodeJS.Timeout | undefined;
  #hasMissed = false;

  constructor(response: ServerResponse, everything: () => string, stuckMs: number) {
    this.#response = response;
    this.#everything = everything;
    this.#stuckMs = stuckMs;
    response.on('drain', () => this.#caughtUp());
  }

  sendEverything(): void {
    this.send(this.#everything());
  }

  send(message: string): void {
    if (this.#stuck !== undefined) {
      this.#hasMissed = true;
      return;
    }
    if (!this.#response.write(message)) this.#stuck = setTimeout(() => this.#response.destroy(), this.#stuckMs);
  }

  /** Tells the page that nothing more follows. */
  end(): void {
    this.#response.end();
  }

  ended(): void {
    clearTimeout(this.#stuck);
  }

  #caughtUp(): void {
    clearTimeout(this.#stuck);
    this.#stuck = undefined;
    if (!this.#hasMissed) return;
    this.#hasMissed = false;
    this.sendEverything();
  }
}
