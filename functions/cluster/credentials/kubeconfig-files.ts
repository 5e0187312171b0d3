// The files that a kubeconfig names. client-node reads them as well, but whatever their size.
import type { KubeConfig, User } from '@kubernetes/client-node';
import { pluginOf } from './exec-plugin.ts';
import { credentialsIn } from './file-text.ts';
import type { CredentialSource, Material } from './material.ts';

type Files = CredentialSource['files'];

/** Takes the files of the current cluster and user out of the kubeconfig, so that client-node does not read them. */
export function takeFiles(config: KubeConfig): Files {
  const [cluster, user] = [config.getCurrentCluster(), config.getCurrentUser()];
  const token = user === null ? undefined : tokenFileOf(user);
  const files = { authority: cluster?.caFile, certificate: user?.certFile, key: user?.keyFile, token };
  for (const each of config.clusters) delete each.caFile;
  for (const each of config.users) {
    delete each.certFile;
    delete each.keyFile;
  }
  config.users = config.users.map((each) =>
    tokenFileOf(each) === undefined ? each : { ...each, authProvider: undefined },
  );
  return files;
}

const tokenFileOf = (user: User): string | undefined =>
  pluginOf(user) === undefined
    ? (user.authProvider as { config?: { tokenFile?: string } } | null | undefined)?.config?.tokenFile
    : undefined;

/** What the file of the cluster holds. @throws Error that names the file that cannot be read. */
export const authorityIn = ({ authority }: Files): Material['tls'] => tlsIn({ ca: authority });

/** What the files of the user hold. @throws Error that names the file that cannot be read. */
export const loginIn = ({ certificate, key, token }: Files): Material => ({
  tls: tlsIn({ cert: certificate, key }),
  headers: token ? { authorization: `Bearer ${credentialsIn(token).trim()}` } : {},
});

/** Node ignores an empty text, and refuses an empty buffer. */
const tlsIn = (paths: Readonly<Record<string, string | undefined>>): Material['tls'] =>
  Object.fromEntries(
    Object.entries(paths).flatMap(([name, path]) => (path ? [[name, Buffer.from(credentialsIn(path))]] : [])),
  );
