// Programs that log users of a kubeconfig in. client-node runs them as well, but waits for them without end, and keeps all that they
// print, so one of them could end this program.
import { execFile, type ExecFileException } from 'node:child_process';
import type { KubeConfig, User } from '@kubernetes/client-node';
import { LARGEST_CREDENTIALS } from './file-text.ts';
import { withoutSecrets } from '../without-secrets.ts';

/** What a kubeconfig says about a plugin. */
interface Plugin {
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
}

/** The status of an ExecCredential. */
interface Login {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
  readonly expirationTimestamp?: string;
}

const PROVIDER = 'exec-plugin';

/** Long enough for a login that asks another server, and less than the command line waits. */
const PLUGIN_MS = 60_000;

/** Runs the exec plugins in place of client-node. */
export function withPlugins(config: KubeConfig, limitMs = PLUGIN_MS): void {
  const logins = new Map<string, () => Promise<Login>>();
  config.users = config.users.map((user) => {
    const plugin = pluginOf(user);
    if (plugin === undefined) return user;
    logins.set(user.name, keptUntilExpired(plugin, limitMs));
    const { exec: _, ...rest } = user;
    return { ...rest, authProvider: { name: PROVIDER } };
  });
  config.addAuthenticator({
    isAuthProvider: ({ name }) => logins.has(name),
    async applyAuthentication({ name }, options) {
      const { token, clientCertificateData: cert, clientKeyData: key } = (await logins.get(name)?.()) ?? {};
      if (cert) options.cert = cert;
      if (key) options.key = key;
      if (token) options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
    },
  });
}

/** Older kubeconfigs have the plugin in an auth-provider. */
export const pluginOf = ({ exec, authProvider }: User): Plugin | undefined =>
  exec ||
  (authProvider as { readonly config?: { readonly exec?: Plugin } } | null | undefined)?.config?.exec ||
  undefined;

function keptUntilExpired(plugin: Plugin, limitMs: number): () => Promise<Login> {
  let last: Login | undefined;
  return async () => {
    const isValid = last !== undefined && !(Date.parse(last.expirationTimestamp ?? '') <= Date.now());
    return (last = last !== undefined && isValid ? last : await loginBy(plugin, limitMs));
  };
}

/** @throws Error that quotes nothing of what the plugin printed: it may hold a token, and our messages go to logs and to /readyz. */
const loginBy = ({ command, args, env }: Plugin, limitMs: number): Promise<Login> =>
  new Promise((resolve, reject) => {
    const variables = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
    const limits = { maxBuffer: LARGEST_CREDENTIALS, timeout: limitMs, killSignal: 'SIGKILL' } as const;
    execFile(command, args ?? [], { env: { ...process.env, ...variables }, ...limits }, (error, out) => {
      const login = error === null ? loginIn(out) : undefined;
      if (login === undefined)
        reject(new Error(`the exec plugin ${withoutSecrets(command)} ${whyNot(error, limitMs)}`));
      else resolve(login);
    });
  });

function loginIn(text: string): Login | undefined {
  try {
    const { status } = JSON.parse(text) as { readonly status?: Login | null };
    return typeof status === 'object' ? (status ?? undefined) : undefined;
  } catch {
    return undefined;
  }
}

function whyNot(error: ExecFileException | null, limitMs: number): string {
  if (error === null) return 'answered with no ExecCredential';
  const { code, syscall = '' } = error as NodeJS.ErrnoException;
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
    return `printed more than ${LARGEST_CREDENTIALS} bytes, which is no ExecCredential: correct its command`;
  if (error.killed === true)
    return `did not answer within ${limitMs / 1000} s. To see what it waits for, run kubectl with the same kubeconfig`;
  if (syscall.startsWith('spawn')) return `cannot be run (${code}): install it, or correct its command`;
  return 'failed. To see what it says, run kubectl with the same kubeconfig';
}
