// The functions' settings: what is refused, and how it is said.
import { expect, it } from 'vitest';
import { configFrom } from '../functions/config.ts';

it.each([
  ['two kubeconfigs', { KUBECONFIG: '/x', KUBECONFIG_CONTENT: '{}' }, 'set one of them'],
  [
    'a secret of Key Vault that nobody has read',
    { KUBECONFIG_CONTENT: '@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/kubeconfig)' },
    'KUBECONFIG_CONTENT: the reference to Key Vault led to nothing',
  ],
])('refuses %s', (_, variables, words) => {
  expect(() => configFrom(variables)).toThrow(words);
});
