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
  ['clusters that are not JSON', { CLUSTERS: 'west=the-west' }, 'CLUSTERS: must be JSON'],
  ['clusters that are not an object', { CLUSTERS: '["west"]' }, 'CLUSTERS: must be an object'],
  ['no clusters', { CLUSTERS: '{}' }, 'CLUSTERS: must have at least one cluster'],
  ['a cluster of no possible name', { CLUSTERS: '{"the west":"x"}' }, 'CLUSTERS: must be by names of clusters'],
  ['a cluster without context', { CLUSTERS: '{"west":{}}' }, 'CLUSTERS.west: must be the name of a context'],
  ['one context, and several', { CLUSTERS: '{"west":"x"}', KUBE_CONTEXT: 'x' }, 'KUBE_CONTEXT and CLUSTERS'],
  ['tokens of anybody', { CALLER_AUDIENCE: 'x' }, 'CALLER_AUDIENCE and CALLER_SUBJECTS go together'],
  ['a resync after longer than a timer can wait', { RESYNC_INTERVAL_SECONDS: '2200000' }, 'RESYNC_INTERVAL_SECONDS: '],
  ['a resync without end', { RESYNC_INTERVAL_SECONDS: '0.001' }, 'RESYNC_INTERVAL_SECONDS: must be 0, or at least 1'],
  [
    'metrics after longer than a timer can wait',
    { OTEL_METRIC_EXPORT_INTERVAL: '2200000000' },
    'OTEL_METRIC_EXPORT_INTERVAL: ',
  ],
  [
    'keys of nobody',
    { CALLER_AUDIENCE: 'x', CALLER_SUBJECTS: 'x', CALLER_JWKS_URL: 'https://x.example.com' },
    'CALLER_ISSUER: must say whose',
  ],
])('refuses %s', (_, variables, words) => {
  expect(() => configFrom(variables)).toThrow(words);
});
