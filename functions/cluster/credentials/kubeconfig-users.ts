// The fields of a kubeconfig's users that client-node ignores.
import { resolve, sep } from 'node:path';
import type { KubeConfig, User } from '@kubernetes/client-node';
import type { KubeconfigFields } from './kubeconfig-fields.ts';

/** client-node sends the name in `as`, and none of these. */
const IMPERSONATION = ['as-uid', 'as-groups', 'as-user-extra'] as const;

/** `unsupported` is a field that changes the user's rights, and that client-node does not send. */
export interface KubeconfigUser extends User {
  readonly unsupported?: (typeof IMPERSONATION)[number] | undefined;
}

/** Adds the ignored fields to the users. @param folder the folder of the kubeconfig, for relative paths. */
export function completeUsers(config: KubeConfig, { users }: KubeconfigFields, folder = ''): void {
  config.users = config.users.map((user, index): KubeconfigUser => {
    const fields = users?.[index]?.user ?? {};
    const whole = {
      ...user,
      exec: withPath(user.exec, folder),
      unsupported: IMPERSONATION.find((field) => fields[field]),
    };
    return fields.tokenFile && !user.authProvider ? withTokenFile(whole, resolve(folder, fields.tokenFile)) : whole;
  });
}

type Exec = { readonly command?: string } | null | undefined;

/** As in kubectl, a command with a slash is the path of a file, and one without is looked up in PATH. */
const withPath = (exec: Exec, folder: string): Exec =>
  exec?.command?.includes(sep) === true ? { ...exec, command: resolve(folder, exec.command) } : exec;

/** As in kubectl, the file takes precedence over a token and an exec plugin. */
function withTokenFile(user: KubeconfigUser, tokenFile: string): KubeconfigUser {
  const { token: _, exec: __, ...rest } = user;
  return { ...rest, authProvider: { name: 'tokenFile', config: { tokenFile } } };
}
