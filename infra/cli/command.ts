import { GROUP, KIND, VERSION, websiteKey, type Website, type WebsiteKey } from '../../functions/website/resource.ts';
import { UsageError } from '../usage.ts';
import type { Connection, ConnectionFlags } from './connection.ts';
import { ifRefused, type ExitCode } from './errors.ts';
import type { Answer, Format } from './output.ts';

/** The flags that every command has. */
export interface CommonFlags extends ConnectionFlags {
  readonly output: Format;
}

/** What a command works with. */
export interface Surroundings {
  readonly now: () => Date;
  /** From this call on, Ctrl-C no longer ends the program, but aborts this signal. */
  readonly interrupted: () => AbortSignal;
  /** Prints a line while the command is at work. */
  readonly note: (line: string) => void;
  /** Prints a line of a command that answers bit by bit. */
  readonly print: (line: string) => void;
}

/** What a command found out, and what the program exits with; 0 if absent. */
export interface Result extends Answer {
  readonly code?: ExitCode;
}

interface Described {
  /** Such as `history <name>`, or `events replay <file>` for a command of a group. */
  readonly usage: string;
  readonly about: string;
  /** The flags that only this command has, as commander writes them, each with a description. */
  readonly options?: readonly (readonly [flags: string, about: string])[];
  readonly examples: readonly string[];
}

/** A command that asks a cluster. It also has the flags of a connection. */
export interface ClusterCommand<Flags> extends Described {
  /** @returns the exit code alone if it has printed its answer already. */
  ask(
    surroundings: Surroundings & Connection,
    flags: Flags & CommonFlags,
    names: readonly string[],
  ): Promise<Result | ExitCode>;
}

/** A command that works without a cluster. */
export interface LocalCommand<Flags> extends Described {
  run(
    surroundings: Surroundings,
    flags: Flags & Pick<CommonFlags, 'output'>,
    names: readonly string[],
  ): Promise<Result>;
}

export type AnyCommand = ClusterCommand<object> | LocalCommand<object>;

/**
 * What kubectl prints or takes before a name: `website.stable.example.com/shop`. Dots and capital letters show that it is no namespace.
 * `website/shop` and `web/shop` may name a namespace.
 */
const TYPE = new RegExp(`^(?:websites?\\.(?:${VERSION}\\.)?${GROUP.replaceAll('.', '\\.')}|${KIND})/`);

/** Takes `shop`, and `team-a/shop` too. @throws UsageError */
export function keyFrom(given: string, { namespace, only }: Pick<Connection, 'namespace' | 'only'>): WebsiteKey {
  const name = given.replace(TYPE, '');
  const [first, ...rest] = name === given ? name.split('/') : [name];
  const key = websiteKey.safeParse(
    rest.length === 0 ? { namespace, name: first } : { namespace: first, name: rest.join('/') },
  );
  if (key.success) {
    if (only === undefined || only === key.data.namespace) return key.data;
    throw new UsageError(
      `${JSON.stringify(given)} names another namespace than --namespace ${only}. ${hintOn(key.data.name, only)}`,
    );
  }
  throw new UsageError(`${JSON.stringify(given)} is not the name of a Website: give NAME, or NAMESPACE/NAME`);
}

/** The value of a flag that names a namespace. @throws UsageError */
export function namespaceFrom(flag: string, text: string): string {
  const namespace = websiteKey.shape.namespace.safeParse(text);
  if (namespace.success) return namespace.data;
  throw new UsageError(`${flag} must be the name of a namespace, but is ${JSON.stringify(text)}`);
}

/** @throws Error if there is no such Website. */
export const websiteNamed = async (name: string, surroundings: Connection): Promise<Website> =>
  askAbout(name, surroundings, async (key) => surroundings.cluster.getWebsite(key));

/** Sends a request about this Website. @returns its answer. @throws Error if there is no such Website. */
export async function askAbout<T>(
  name: string,
  { namespace, only }: Pick<Connection, 'namespace' | 'only'>,
  ask: (key: WebsiteKey) => Promise<T | undefined>,
): Promise<T> {
  const key = keyFrom(name, { namespace, only });
  const answer = await ifRefused(ask(key), ['NotFound'], undefined);
  if (answer !== undefined) return answer;
  const hint = TYPES.has(key.namespace) && key.namespace !== namespace ? `. ${hintOn(key.name, namespace)}` : '';
  throw new Error(`There is no Website ${key.name} in namespace ${key.namespace}${hint}`);
}

/** The words for Websites that kubectl also takes as `TYPE/NAME`. */
const TYPES: ReadonlySet<string> = new Set(['website', 'websites', 'web']);
const hintOn = (name: string, namespace: string): string =>
  `For the Website ${name} in namespace ${namespace}, give the name alone: ${name}`;
