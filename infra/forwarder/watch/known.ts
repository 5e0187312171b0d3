import { hash } from 'node:crypto';

/** What the forwarder remembers of an object: enough to notice a change, without its content. */
export interface Memory {
  readonly uid: string;
  readonly print: string;
  /** The Website that owns the child. */
  readonly owner?: { readonly name: string; readonly uid: string };
  /** Hash of a Website's status, and when the functions last wrote it, as `PRINT@TIME`. */
  readonly status?: string;
  /** The last seen version. Only of a Deployment that a Website controls. */
  readonly version?: string;
}

/**
 * The remembered objects, by `namespace/name`. There is one for each object in the cluster, so each is packed into one string. A
 * JavaScript object with several strings takes more than twice the memory.
 */
export class KnownObjects {
  #packed = new Map<string, string>();
  /** During a list, the objects that it has not contained so far. */
  #unlisted = new Map<string, string>();

  get size(): number {
    return this.#packed.size + this.#unlisted.size;
  }

  /** A list starts. It replaces an earlier list that did not end. */
  listStarted(): void {
    for (const [key, packed] of this.#packed) this.#unlisted.set(key, packed);
    this.#packed = new Map();
  }

  /** The objects that were known before the list and that it did not contain. */
  unlisted(): readonly string[] {
    return [...this.#unlisted.keys()];
  }

  get(key: string): Memory | undefined {
    const packed = this.#packed.get(key) ?? this.#unlisted.get(key);
    if (packed === undefined) return undefined;
    const [uid = '', print = '', status = '', ownerUid, name = '', version] = packed.split(' ');
    const owner = ownerUid === undefined ? {} : { owner: { name, uid: ownerUid } };
    const rest = version === undefined ? {} : { version };
    return { uid, print, ...(status === '' ? {} : { status }), ...owner, ...rest };
  }

  set(key: string, { uid, print, status = '', owner, version }: Memory): void {
    const parts = [uid, print, status, ...(owner === undefined ? [] : [owner.uid, owner.name])];
    this.#unlisted.delete(key);
    this.#packed.set(key, (version === undefined ? parts : [...parts, version]).join(' '));
  }

  delete(key: string): void {
    this.#packed.delete(key);
    this.#unlisted.delete(key);
  }
}

/** A hash of 96 bits, enough to tell all states of one object apart. */
export const printOf = (value: unknown): string => hash('sha1', JSON.stringify(value), 'base64url').slice(0, 16);
