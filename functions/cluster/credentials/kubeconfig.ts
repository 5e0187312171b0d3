import { existsSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findHomeDir, KubeConfig } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { withoutQuotes } from '../causes.ts';
import { ClusterError } from '../errors.ts';
import { fileText } from './file-text.ts';
import { fieldsOf } from './kubeconfig-fields.ts';
import { completeUsers } from './kubeconfig-users.ts';
import { isUtf16 } from '../utf-16.ts';
import { unreadable, withoutSecrets } from '../without-secrets.ts';

/** Where the kubeconfig is. Without either, the default order of kubectl and Pods applies. */
export interface KubeconfigPlace {
  /** One or several files, as in kubectl's KUBECONFIG. The first file wins, and some of several may be missing. */
  readonly kubeconfig?: string | undefined;
  /** The content of a kubeconfig, for hosts without files. */
  readonly kubeconfigText?: string | undefined;
}

/** A kubeconfig with a thousand clusters is smaller. */
const LARGEST_BYTES = 16 * 1024 * 1024;

/** One kubeconfig, with the folder that its paths are relative to. */
interface Part {
  /** What messages call it. */
  readonly where: string;
  readonly text: string;
  readonly folder?: string;
}

/** `kubeconfig FILE`, for messages. */
export const nameOf = (place: KubeconfigPlace): string => `kubeconfig ${withoutSecrets(whereIs(place))}`;

const whereIs = ({ kubeconfig = userFile(), kubeconfigText }: KubeconfigPlace): string =>
  kubeconfigText === undefined ? (kubeconfig ?? '(default)') : 'in KUBECONFIG_CONTENT';

/** Reads the kubeconfig. @throws ClusterError `Unreachable` if it is unreadable, or names nothing. */
export function readKubeconfig(place: KubeconfigPlace): KubeConfig {
  const { kubeconfig = userFile(), kubeconfigText } = place;
  const config = new KubeConfig();
  const parts = kubeconfigText === undefined ? filesIn(kubeconfig) : [{ where: whereIs(place), text: kubeconfigText }];
  for (const part of parts) addMissing(config, parsed(part));
  if (parts.length === 0) reading(whereIs(place), () => config.loadFromDefault());
  if (!isBare(config)) return config;
  const why = parts.every(isEmpty) ? 'is empty' : 'has no cluster, no user and no context';
  throw new ClusterError('Unreachable', `The ${nameOf(place)} ${why}: create it again, or use another one`);
}

function userFile(): string | undefined {
  const home = findHomeDir();
  const path = home === null ? undefined : join(home, '.kube', 'config');
  return path !== undefined && existsSync(path) ? path : undefined;
}

/** As kubectl, it skips the missing files of a list. If all are missing, it reads the first, so that the error names it. */
function filesIn(list: string | undefined): Part[] {
  if (list === undefined) return [];
  const paths = list.split(delimiter).filter((path) => path !== '');
  const existing = paths.filter((path) => reading(path, () => statSync(path, { throwIfNoEntry: false })) !== undefined);
  const [first = list] = paths;
  return (existing.length === 0 ? [first] : existing).map((where) => ({
    where,
    text: reading(where, () => fileText(where, LARGEST_BYTES)),
    folder: dirname(where),
  }));
}

/** @throws ClusterError that says where it is. */
function reading<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const cause = withoutQuotes(error);
    const why = withoutSecrets(unreadable(where, cause));
    throw new ClusterError('Unreachable', `Could not read the kubeconfig ${why}`, { cause });
  }
}

function parsed(part: Part): KubeConfig {
  const config = new KubeConfig();
  // js-yaml refuses a file without content, which kubectl skips.
  if (isEmpty(part)) return config;
  reading(part.where, () => {
    const { text, folder } = part;
    if (isUtf16(text)) throw new Error('it is UTF-16: save it as UTF-8');
    const fields = fieldsOf(load(text));
    config.loadFromString(text);
    if (folder !== undefined) config.makePathsAbsolute(folder);
    completeUsers(config, fields, folder);
  });
  return config;
}

/** Whether it has only blank lines, comments, document markers and null: YAML without content. */
const isEmpty = ({ text }: Part): boolean =>
  text.split('\n').every((line) => /^\s*(---|\.\.\.)?\s*(null|~)?\s*(#.*)?$/.test(line));

/** As kubectl merges files: what an earlier file names stays as it is there. `KubeConfig.mergeConfig` would refuse a second one. */
function addMissing(config: KubeConfig, { clusters, users, contexts, currentContext }: KubeConfig): void {
  config.clusters = [...config.clusters, ...missingIn(config.clusters, clusters)];
  config.users = [...config.users, ...missingIn(config.users, users)];
  config.contexts = [...config.contexts, ...missingIn(config.contexts, contexts)];
  config.currentContext ??= currentContext;
}

const missingIn = <T extends { readonly name: string }>(known: readonly T[], more: readonly T[]): T[] =>
  more.filter(({ name }) => !known.some((each) => each.name === name));

const isBare = ({ clusters, users, contexts }: KubeConfig): boolean =>
  [clusters, users, contexts].every((list) => list.length === 0);
