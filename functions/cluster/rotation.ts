import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { load, materialOf, serverOf, words, type ClusterAddress } from './credentials.ts';
import { ClusterError } from './errors.ts';
import { problemsOf, type Material, type MaterialProblem } from './material.ts';
import type { Troubles } from './troubles.ts';

/** How long credentials are used before client-node is asked again: it reads files and builds agents each time it is. */
const CREDENTIALS_MS = 10_000;
/** What may be in trouble, beside the parts of the credentials. */
const [KUBECONFIG, CREDENTIALS, ACCEPTANCE] = [
  'kubeconfig',
  'credentials',
  'acceptance of the new credentials',
] as const;

/**
 * The credentials for one API server, read again as they rotate. What is read takes the place of what there was only where
 * it can be used: a file may be half written, and a program that works must go on working.
 */
export class Rotation {
  readonly server: string;
  readonly #address: ClusterAddress;
  readonly #troubles: Troubles;
  #config: KubeConfig;
  #material: Material | undefined;
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;
  /** What the API server last took, and what it refused since. */
  #accepted: Material | undefined;
  #refused: Material | undefined;
  /** Subjects of this one among the troubles. */
  #subjects = new Set<string>();

  /** @throws ClusterError `Unreachable` when no cluster is configured. */
  constructor(address: ClusterAddress, troubles: Troubles) {
    this.#address = address;
    this.#troubles = troubles;
    this.#config = load(address);
    this.server = serverOf(this.#config);
  }

  /** What to use now. The same object for as long as nothing changes. @throws ClusterError while there is nothing yet. */
  async current(): Promise<Material> {
    if (this.#material === undefined || performance.now() - this.#readAt > CREDENTIALS_MS) await this.#read();
    if (this.#material === undefined) throw new ClusterError('Unreachable', 'There are no credentials');
    return this.#material;
  }

  /** The API server took them. */
  accept(material: Material): void {
    this.#accepted = material;
  }

  /**
   * What to try in place of what the API server has just refused: what there is by now, read anew, or else what it took
   * before. @returns nothing when there is nothing else.
   */
  async insteadOf(refused: Material): Promise<Material | undefined> {
    if (this.#material === refused) await this.#reload();
    if (this.#material !== refused) return this.#material;
    const before = this.#accepted;
    if (before === undefined || before === refused) {
      [this.#accepted, this.#refused] = [undefined, undefined];
      return undefined;
    }
    [this.#material, this.#refused] = [before, refused];
    this.#begin(ACCEPTANCE, 'the API server answers 401 to them');
    return before;
  }

  /** Several callers share one look. */
  #read(): Promise<void> {
    return (this.#reading ??= this.#readOnce().finally(() => (this.#reading = undefined)));
  }

  async #readOnce(): Promise<void> {
    this.#readAt = performance.now();
    // client-node remembers a bad token for a minute, and a kubeconfig with files in it only when it is loaded.
    if (this.#subjects.size > 0) this.#loadAgain();
    try {
      this.#take(await materialOf(this.#config));
    } catch (error) {
      if (this.#material === undefined) throw error;
      this.#begin(CREDENTIALS, words(error));
    }
  }

  /** Puts each part that can be used in place of what there is. @throws ClusterError where there is nothing to keep. */
  #take(read: Material): void {
    const kept = this.#material;
    const problems = problemsOf(this.#config, read);
    const [first] = problems;
    if (first !== undefined && kept === undefined)
      throw new ClusterError('Unreachable', `Could not use the ${first.subject}: ${first.why}`);
    this.#tell(problems);
    const isBad = (part: keyof Material) => problems.some((each) => each.part === part);
    const next = kept === undefined ? read : mixed(kept, read, isBad);
    // What was refused would be refused again.
    if (isDeepStrictEqual(next, kept) || isDeepStrictEqual(next, this.#refused)) return;
    this.#material = next;
    this.#end(ACCEPTANCE);
  }

  #tell(problems: readonly MaterialProblem[]): void {
    for (const { subject, why } of problems) this.#begin(subject, why);
    for (const subject of this.#subjects) {
      const isElsewhere = subject === KUBECONFIG || subject === ACCEPTANCE;
      if (!isElsewhere && !problems.some((each) => each.subject === subject)) this.#end(subject);
    }
  }

  async #reload(): Promise<void> {
    this.#loadAgain();
    await this.#read();
  }

  #loadAgain(): void {
    try {
      const config = load(this.#address);
      if (serverOf(config) !== this.server)
        throw new Error(`it names another server than ${this.server}: restart to use that one`);
      this.#config = config;
      this.#end(KUBECONFIG);
    } catch (error) {
      this.#begin(KUBECONFIG, words(error));
    }
  }

  #begin(subject: string, why: string): void {
    this.#subjects.add(subject);
    this.#troubles.begin(`${subject} for ${this.server}`, why);
  }

  #end(subject: string): void {
    if (this.#subjects.delete(subject)) this.#troubles.end(`${subject} for ${this.server}`);
  }
}

/** Parts that are as they were stay the same object: connections are made anew where `tls` is another. */
function mixed(kept: Material, read: Material, isBad: (part: keyof Material) => boolean): Material {
  return {
    tls: isBad('tls') || isDeepStrictEqual(read.tls, kept.tls) ? kept.tls : read.tls,
    headers: isBad('headers') ? kept.headers : read.headers,
  };
}
