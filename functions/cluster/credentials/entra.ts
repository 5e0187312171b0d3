import { basename } from 'node:path';
import type { KubeConfig, User } from '@kubernetes/client-node';

const PROVIDER = 'entra';

/**
 * Gets Entra tokens with `@azure/identity` where a kubeconfig of AKS runs kubelogin. A function app has no kubelogin, and no
 * user who could log in.
 */
export function withEntra(config: KubeConfig): void {
  const tokens = new Map<string, () => Promise<string>>();
  config.users = config.users.map((user) => {
    const scope = scopeOf(user);
    if (scope === undefined) return user;
    tokens.set(user.name, entraToken(scope));
    const { exec: _, ...rest } = user;
    return { ...rest, authProvider: { name: PROVIDER } };
  });
  config.addAuthenticator({
    isAuthProvider: (user) => (user.authProvider as { name?: string } | null | undefined)?.name === PROVIDER,
    async applyAuthentication({ name }, options) {
      const token = await tokens.get(name)?.();
      options.headers = { ...options.headers, Authorization: `Bearer ${token}` };
    },
  });
}

/** The scope that kubelogin would request. All AKS API servers are the same Entra application. */
function scopeOf(user: User): string | undefined {
  const { command = '', args } = (user.exec ?? {}) as { command?: string; args?: readonly string[] | null };
  if (!/^kubelogin(\.exe)?$/.test(basename(command))) return undefined;
  // A different program named kubelogin serves other issuers. It has no such flag.
  const [, server] = /(?:^| )--server-id[= ](\S+)/.exec((args ?? []).join(' ')) ?? [];
  return server === undefined ? undefined : `${server}/.default`;
}

/** Limits retries to about 2 s if a managed identity does not answer. The default is 20 s, and our callers retry anyway. */
const RETRIES = { maxRetries: 2, retryDelayInMs: 800 };

/**
 * Gets Entra tokens for a scope. It uses workload identity in a Pod, a managed identity on Azure, and the logged-in user on a
 * developer's machine. Tokens are cached, and renewed before they expire.
 */
export function entraToken(scope: string): () => Promise<string> {
  let provider: Promise<() => Promise<string>> | undefined;
  return async () => {
    provider ??= import('@azure/identity').then(({ DefaultAzureCredential, getBearerTokenProvider }) =>
      getBearerTokenProvider(new DefaultAzureCredential({ retryOptions: RETRIES }), scope),
    );
    return (await provider)();
  };
}
