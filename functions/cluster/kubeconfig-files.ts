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

/** What the files hold. @throws Error that names the file that cannot be read. */
export function contentsOf({ authority, certificate, key, token }: Files): Material {
  const tls = Object.entries({ ca: authority, cert: certificate, key }).flatMap(([name, path]) =>
    // Node ignores an empty text, and refuses an empty buffer.
    path ? [[name, Buffer.from(credentialsIn(path))]] : [],
  );
  return {
    tls: Object.fromEntries(tls) as Material['tls'],
    headers: token ? { authorization: `Bearer ${credentialsIn(token).trim()}` } : {},
  };
}
