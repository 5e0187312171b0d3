import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authority, type Subject } from './certificates.ts';

/** The users that have certificates. KWOK acts as kubelets of any name, so it needs administrator rights. */
const USERS = {
  admin: { commonName: 'admin', organization: 'system:masters' },
  controllers: { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
  kwok: { commonName: 'kwok', organization: 'system:masters' },
  server: { commonName: 'kube-apiserver' },
} as const satisfies Record<string, Subject>;
export type User = keyof typeof USERS;

/** Paths of the certificates and keys of a control plane. */
export interface CredentialFiles {
  readonly folder: string;
  readonly ca: string;
  readonly certificate: (user: User) => string;
  readonly key: (user: User) => string;
}

/** Issues new certificates for all users, signed by the authority in the folder. */
export async function writeCredentials(folder: string): Promise<CredentialFiles> {
  const ca = await authority(folder);
  const files: CredentialFiles = {
    folder,
    ca: join(folder, 'ca.crt'),
    certificate: (user) => join(folder, `${user}.crt`),
    key: (user) => join(folder, `${user}.key`),
  };
  await Promise.all(
    (Object.keys(USERS) as User[]).map(async (user) => {
      const { certificate, key } = await ca.issue(USERS[user]);
      writeFileSync(files.certificate(user), certificate);
      writeFileSync(files.key(user), key, { mode: 0o600 });
    }),
  );
  return files;
}

/** Writes a user's kubeconfig for the server, and returns its path. The file contains JSON, which is valid YAML. */
export function writeUserKubeconfig(path: string, server: string, user: User, files: CredentialFiles): string {
  const name = 'website-reconciler-local';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority': files.ca } }],
    users: [{ name: user, user: { 'client-certificate': files.certificate(user), 'client-key': files.key(user) } }],
    contexts: [{ name, context: { cluster: name, user, namespace: 'default' } }],
    'current-context': name,
  };
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return path;
}
