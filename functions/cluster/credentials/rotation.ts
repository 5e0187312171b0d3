import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../causes.ts';
import type { ClusterAddress } from './kubeconfig-source.ts';
import { ClusterError } from '../errors.ts';
import { problemsOf, type CredentialSource, type Material, type MaterialProblem } from './material.ts';
import { sourceAt } from './source.ts';
import type { Troubles } from '../troubles.ts';

/** How long credentials are used before they are read again. Each time, files are read. */
const CREDENTIALS_MS = 10_000;
/** Subjects of troubles, besides the parts of the credentials. */
const [KUBECONFIG, CREDENTIALS, ACCEPTANCE] = [
  'kubeconfig',
  'credentials',
  'acceptance of the new credentials',
] as const;

/**
 * The credentials for one API server, read again as they rotate. New credentials replace the previous ones only if they are usable:
 * a half-written file must not stop a program that works.
 */
export class Rotation {
  readonly server: string;
  /** The namespace of the context, if it names one. */
  readonly namespace: string | undefined;
  readonly #address: ClusterAddress;
  readonly #troubles: Troubles;
  #source: CredentialSource;
  #material: Material | undefined;
  #readAt = -Infinity;
  #reading: Promise<void> | undefined;
  /** The credentials that the API server accepted last, and those that it has refused since. */
  #accepted: Material | undefined;
  #refused: Material | undefined;
  /** The subjects that this rotation has added to the troubles. */
  #subjects = new Set<string>();

  /** @throws ClusterError `Unreachable` if no cluster is configured. */
  static async at(address: ClusterAddress, troubles: Troubles): Promise<Rotation> {
    return new Rotation(await sourceAt(address), address, troubles);
  }

  private constructor(source: CredentialSource, address: ClusterAddress, troubles: Troubles) {
    this.#address = address;
    this.#troubles = troubles;
    this.#source = source;
    this.server = source.server;
    this.namespace = source.namespace;
  }

  /** The credentials to use now; the same object until they change. @throws ClusterError if the first read failed. */
  async current(): Promise<Material> {
    if (this.#material === undefined || performance.now() - this.#readAt > CREDENTIALS_MS) await this.#read();
    if (this.#material === undefined) throw new ClusterError('Unreachable', 'No credentials could be read');
    return this.#material;
  }

  /** Records that the API server accepted these credentials. */
  accept(material: Material): void {
    this.#accepted = material;
  }

  /**
   * The credentials to try after a refusal: newly read ones, or else the last accepted ones.
   * @returns `undefined` if there are no others.
   */
  async replacementFor(refused: Material): Promise<Material | undefined> {
    if (this.#material === refused) await this.#reload();
    if (this.#material !== refused) return this.#material;
    const previous = this.#accepted;
    if (previous === undefined || previous === refused) {
      [this.#accepted, this.#refused] = [undefined, undefined];
      return undefined;
    }
    [this.#material, this.#refused] = [previous, refused];
    this.#begin(ACCEPTANCE, 'the API server answers 401 to them');
    return previous;
  }

  /** Concurrent callers share one read. */
  #read(): Promise<void> {
    return (this.#reading ??= this.#readOnce().finally(() => (this.#reading = undefined)));
  }

  async #readOnce(): Promise<void> {
    this.#readAt = performance.now();
    // The answer of an exec plugin is kept until it expires, and the kubeconfig is not read again. Loading the kubeconfig solves both.
    if (this.#subjects.size > 0) await this.#loadAgain();
    try {
      this.#take(await this.#source.read());
    } catch (error) {
      if (this.#material === undefined) throw error;
      this.#begin(CREDENTIALS, messageOf(error));
    }
  }

  /** Replaces each part by the new one if that is usable. @throws ClusterError if there is no previous part to keep. */
  #take(read: Material): void {
    const kept = this.#material;
    const problems = problemsOf(this.#source, read);
    const [first] = problems;
    if (first !== undefined && kept === undefined)
      throw new ClusterError('Unreachable', `Could not use the ${first.subject}${first.owner}: ${first.why}`);
    this.#report(problems);
    const isBad = (part: keyof Material) => problems.some((each) => each.part === part);
    const next = kept === undefined ? read : mixed(kept, read, isBad);
    // The API server would refuse the same credentials again.
    if (isDeepStrictEqual(next, kept) || isDeepStrictEqual(next, this.#refused)) return;
    this.#material = next;
    this.#end(ACCEPTANCE);
  }

  #report(problems: readonly MaterialProblem[]): void {
    for (const { subject, why } of problems) this.#begin(subject, why);
    for (const subject of this.#subjects) {
      const isElsewhere = subject === KUBECONFIG || subject === ACCEPTANCE;
      if (!isElsewhere && !problems.some((each) => each.subject === subject)) this.#end(subject);
    }
  }

  async #reload(): Promise<void> {
    await this.#loadAgain();
    await this.#read();
  }

  async #loadAgain(): Promise<void> {
    try {
      const source = await sourceAt(this.#address);
      if (source.server !== this.server)
        throw new Error(`it names another server than ${this.server}: restart to use the new one`);
      this.#source = source;
      this.#end(KUBECONFIG);
    } catch (error) {
      this.#begin(KUBECONFIG, messageOf(error));
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

/** Combines the usable parts. Unchanged parts stay the same object, because a new `tls` object opens new connections. */
function mixed(kept: Material, read: Material, isBad: (part: keyof Material) => boolean): Material {
  return {
    tls: isBad('tls') || isDeepStrictEqual(read.tls, kept.tls) ? kept.tls : read.tls,
    headers: isBad('headers') ? kept.headers : read.headers,
  };
}
