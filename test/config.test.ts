// The functions' settings: which values are refused, and with which message.
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { expect, it } from 'vitest';
import { configFrom } from '../functions/config.ts';
import { callersProblems } from '../functions/settings/cross-checks.ts';

it.each([
  ['two kubeconfigs', { KUBECONFIG: '/x', KUBECONFIG_CONTENT: '{}' }, 'set only one of them'],
  [
    'an unresolved Key Vault reference',
    { KUBECONFIG_CONTENT: '@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/kubeconfig)' },
    'KUBECONFIG_CONTENT: the Key Vault reference could not be resolved',
  ],
  ['clusters that are not JSON', { CLUSTERS: 'west=the-west' }, 'CLUSTERS: must be JSON'],
  ['clusters that are not an object', { CLUSTERS: '["west"]' }, 'CLUSTERS: must be an object'],
  ['an empty object of clusters', { CLUSTERS: '{}' }, 'CLUSTERS: must have at least one cluster'],
  ['an invalid name of a cluster', { CLUSTERS: '{"the west":"x"}' }, 'CLUSTERS: each key must be a cluster name'],
  ['a cluster without a context', { CLUSTERS: '{"west":{}}' }, 'CLUSTERS: each value must be the name of a context'],
  ['KUBE_CONTEXT together with CLUSTERS', { CLUSTERS: '{"west":"x"}', KUBE_CONTEXT: 'x' }, 'KUBE_CONTEXT and CLUSTERS'],
  ['invalid names of namespaces', { NAMESPACES: 'A B,r' }, 'NAMESPACES: must be namespace names'],
  ['origins with an empty one', { WEBHOOK_ALLOWED_ORIGINS: 'a,,b' }, 'WEBHOOK_ALLOWED_ORIGINS: must be origins'],
  ['subjects with an empty one', { CALLER_AUDIENCE: 'x', CALLER_SUBJECTS: 'a, ' }, 'CALLER_SUBJECTS: must be'],
  ['subjects that are a comma', { CALLER_AUDIENCE: 'x', CALLER_SUBJECTS: ',' }, 'CALLER_SUBJECTS: must be'],
  ['hosts with an empty one', { ALLOWED_HOSTS: 'a,' }, 'ALLOWED_HOSTS: must be host names'],
  ['a Gateway without a namespace', { DEFAULT_GATEWAY: 'public' }, 'DEFAULT_GATEWAY: must be the namespace and name'],
  ['an invalid name of a Gateway', { DEFAULT_GATEWAY: 'infra/Public' }, 'DEFAULT_GATEWAY: must be the namespace'],
  [
    'a default Gateway with a listener',
    { DEFAULT_GATEWAY: 'infra/public/https' },
    'DEFAULT_GATEWAY: must be the namespace',
  ],
  [
    'ONLY_DEFAULT_GATEWAY without a default Gateway',
    { ONLY_DEFAULT_GATEWAY: 'true' },
    'ONLY_DEFAULT_GATEWAY: set DEFAULT_GATEWAY too',
  ],
  ['an audience without subjects', { CALLER_AUDIENCE: 'x' }, 'CALLER_AUDIENCE and CALLER_SUBJECTS: set both'],
  [
    'a resync interval that is too long for a timer',
    { RESYNC_INTERVAL_SECONDS: '2200000' },
    'RESYNC_INTERVAL_SECONDS: ',
  ],
  [
    'a resync interval below a second',
    { RESYNC_INTERVAL_SECONDS: '0.001' },
    'RESYNC_INTERVAL_SECONDS: must be 0, or at least 1',
  ],
  [
    'a metrics interval that is too long for a timer',
    { OTEL_METRIC_EXPORT_INTERVAL: '2200000000' },
    'OTEL_METRIC_EXPORT_INTERVAL: ',
  ],
  [
    'a URL of keys without an issuer',
    { CALLER_AUDIENCE: 'x', CALLER_SUBJECTS: 'x', CALLER_JWKS_URL: 'https://x.example.com' },
    'CALLER_ISSUER: must name the issuer',
  ],
])('The functions refuse %s', (_, variables, words) => {
  expect(() => configFrom(variables)).toThrow(words);
});

// Without namespaces, they would work in all of them.
it.each([',,', ' , ', ' ', 'team-a,', 'team-a,,team-b'])('The functions refuse the namespaces "%s"', (names) => {
  const message = 'NAMESPACES: must be namespace names, such as team-a,team-b';
  expect(() => configFrom({ NAMESPACES: names })).toThrow(message);
});

it('Items of a list may stand between blanks, and count once. An empty variable is an absent one', () => {
  expect(configFrom({ NAMESPACES: ' team-a, team-b,team-a', ALLOWED_HOSTS: ' A , b' })).toMatchObject({
    namespaces: ['team-a', 'team-b'],
    allowedHosts: ['a', 'b'],
  });
  expect(configFrom({ NAMESPACES: '' })).toEqual(configFrom({}));
  expect(configFrom({})).not.toHaveProperty('namespaces');
});

it('The error lists every wrong setting and every wrong combination, and quotes no secret', () => {
  const secret = Buffer.from('x'.repeat(30)).toString('base64url').slice(1);
  const settings = {
    PORT: 'x',
    MAX_CONCURRENT: '1.5',
    REPLY_EVENTS: 'maybe',
    CALLER_JWKS_URL: 'not-an-url-hush',
    CALLER_SIGNING_SECRET: `whsec_${secret}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
    KUBECONFIG: '/x',
    KUBECONFIG_CONTENT: '{"hush":1}',
  };
  const says = (): string => {
    try {
      configFrom(settings, callersProblems);
    } catch (error) {
      return String(error);
    }
    return '';
  };
  for (const words of [
    'PORT: must be a whole number from 0 to 65535',
    'MAX_CONCURRENT: must be a whole number from 1 to 1000',
    'REPLY_EVENTS: must be true or false',
    'CALLER_JWKS_URL: must be an http or https URL',
    'CALLER_SIGNING_SECRET: must be',
    'OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https URL',
    'KUBECONFIG and KUBECONFIG_CONTENT: set only one of them',
    'CALLER_AUDIENCE and CALLER_SUBJECTS: set both',
    'CALLER_ISSUER: must name the issuer',
  ])
    expect(says()).toContain(words);
  for (const secrets of [secret, 'hush', 'NaN']) expect(says()).not.toContain(secrets);
});

it.each(['', '=', 'x', 'QUJD', '-_-_'])(
  'The functions accept no signing secret that the signature library refuses, such as one with %j',
  (odd) => {
    const bytes = Buffer.from('0123456789'.repeat(3)).toString('base64');
    fc.assert(
      fc.property(fc.nat({ max: bytes.length }), fc.constantFrom('', ' ', '%', '\u00e9', odd), (at, other) => {
        const text = `whsec_${bytes.slice(0, at)}${odd}${other}${bytes.slice(at)}`;
        let taken: readonly string[] = [];
        try {
          taken = configFrom({ CALLER_SIGNING_SECRET: text }).callers.signingSecrets ?? [];
        } catch {}
        for (const each of taken) expect(() => new Webhook(each)).not.toThrow();
      }),
    );
  },
);
