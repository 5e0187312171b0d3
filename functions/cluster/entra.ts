import { basename } from 'node:path';
import type { KubeConfig, User } from '@kubernetes/client-node';

const PROVIDER = 'entra';

/**
 * A kubeconfig of AKS runs kubelogin for a token of Entra. Here `@azure/identity` gets the same token: kubelogin is not there
 * where functions run, and could ask nobody to log in.
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

/** What kubelogin is told to get a token for: the application that the API servers of all AKS clusters are. */
function scopeOf(user: User): string | undefined {
  const { command = '', args } = (user.exec ?? {}) as { command?: string; args?: readonly string[] | null };
  if (!/^kubelogin(\.exe)?$/.test(basename(command))) return undefined;
  // Another program of this name, for other issuers, knows no such flag.
  const [, server] = /(?:^| )--server-id[= ](\S+)/.exec((args ?? []).join(' ')) ?? [];
  return server === undefined ? undefined : `${server}/.default`;
}

/** Some 2 s in all, where a managed identity does not answer. By default it is 20 s, and whoever waits tries again as well. */
const RETRIES = { maxRetries: 2, retryDelayInMs: 800 };

/**
 * A token of Entra for a scope, by workload identity in a Pod, a managed identity, or whoever is logged in on a developer's
 * machine. It is kept while it is good, and the next one is there before it ends.
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
