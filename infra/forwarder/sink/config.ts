import * as z from 'zod';
import { authorityProblem } from '../../../functions/cluster/plausible.ts';
import { isLoopback } from '../../../functions/settings/loopback.ts';
import { oneOf } from '../../../functions/settings/setting-values.ts';
import { secretBytes, secretsIn } from '../../../functions/callers/signing-secrets.ts';
import { isMetadataHost } from './metadata-address.ts';

/** How we show a sink who we are. */
export interface CredentialSettings {
  readonly functionKey?: string | undefined;
  readonly bearerToken?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly entraScope?: string | undefined;
  /** Standard Webhooks secrets, `whsec_` and base64; all of them sign. */
  readonly signingSecrets?: readonly string[] | undefined;
  /** The header in which Event Grid wants its key. */
  readonly eventGrid?: Readonly<Record<string, string>> | undefined;
}

export interface HttpSinkConfig {
  readonly kind: 'http';
  readonly url: URL;
  readonly mode: 'binary' | 'structured' | 'batched';
  readonly credentials: CredentialSettings;
  /** PEM, trusted on top of what the system trusts. */
  readonly caCertificates?: string | undefined;
}

export interface QueueSinkConfig {
  readonly kind: 'storage-queue';
  readonly url: URL;
  /** Entra, or the URL's own signature, when absent. */
  readonly accountKey?: string | undefined;
}

export type SinkConfig = HttpSinkConfig | QueueSinkConfig;

/** Sent in a header, which takes no line break: one at the end of a Secret would make every delivery fail. */
const headerSecret = z.string().regex(/^[\x21-\x7e]+$/, 'must be one line of printable ASCII, without spaces');

const KINDS = ['http', 'event-grid', 'storage-queue'] as const;
type Kind = (typeof KINDS)[number];

/** What the flags and variables say of the sink, by the names of the flags; secrets by those of their variables. */
export const sinkSettings = z.object({
  sink: z.url({ protocol: /^https?$/, error: 'must be the http or https URL that events go to' }),
  'sink-kind': oneOf(KINDS).default('http'),
  mode: oneOf(['binary', 'structured', 'batched']).optional(),
  'sink-token-file': z.string().optional(),
  'sink-entra-scope': z.string().optional(),
  SINK_FUNCTION_KEY: headerSecret.optional(),
  SINK_BEARER_TOKEN: headerSecret.optional(),
  SINK_EVENT_GRID_KEY: headerSecret.optional(),
  SINK_ACCOUNT_KEY: z.base64('must be a key of the storage account, which is base64').optional(),
  SINK_SIGNING_SECRET: z
    .string()
    .transform(secretsIn)
    .refine((secrets) => secrets.length > 0 && secrets.every(isSecret), {
      error: 'must be whsec_ and base64, or several of them with spaces between',
    })
    .optional(),
  K_CA_CERTS: z
    .string()
    .refine((pem) => authorityProblem(pem) === undefined, 'must be certificates in PEM, each of which can be read')
    .optional(),
});
const isSecret = (secret: string): boolean => secret.startsWith('whsec_') && secretBytes(secret) !== undefined;
export type SinkSettings = z.output<typeof sinkSettings>;

/** What is wrong with the settings together: the name of the one at fault, and what to do. */
export interface Problem {
  readonly name: string;
  readonly message: string;
}

/** Values as they were given, by the names of the settings. */
type Given = Readonly<Record<string, string | undefined>>;

/** What is wrong with the sink's settings together, whatever is wrong with each of them. */
export const sinkProblems = (given: Given, plainHttp: 'inside' | 'anywhere'): readonly Problem[] => [
  ...addressProblems(URL.parse(given['sink'] ?? ''), plainHttp),
  ...credentialProblems(given),
  ...modeProblems(given),
];

/** The sink that the settings name, which have no problems. */
export function sinkConfigFrom(settings: SinkSettings): SinkConfig {
  const url = new URL(settings.sink);
  const { SINK_FUNCTION_KEY: functionKey, SINK_BEARER_TOKEN: bearerToken, K_CA_CERTS: caCertificates } = settings;
  switch (settings['sink-kind']) {
    case 'storage-queue':
      return { kind: 'storage-queue', url, accountKey: settings.SINK_ACCOUNT_KEY };
    case 'event-grid':
      return { kind: 'http', mode: 'structured', caCertificates, ...eventGrid(url, settings) };
    case 'http': {
      const credentials = { functionKey, bearerToken, ...otherCredentials(settings) };
      const mode = settings.mode ?? (settings.SINK_SIGNING_SECRET === undefined ? 'binary' : 'structured');
      return { kind: 'http', url, mode, credentials, caCertificates };
    }
  }
}

const otherCredentials = (settings: SinkSettings): CredentialSettings => ({
  tokenFile: settings['sink-token-file'],
  entraScope: settings['sink-entra-scope'],
  signingSecrets: settings.SINK_SIGNING_SECRET,
});

/** Source: Azure Event Grid's documentation of authenticating publishers, for custom topics and for namespace topics. */
const EVENT_GRID_SCOPE = 'https://eventgrid.azure.net/.default';

function eventGrid(
  sink: URL,
  { SINK_EVENT_GRID_KEY: key, 'sink-entra-scope': scope = EVENT_GRID_SCOPE }: SinkSettings,
) {
  const url = new URL(sink);
  const isNamespaceTopic = url.pathname.endsWith(':publish');
  if (!url.searchParams.has('api-version'))
    url.searchParams.set('api-version', isNamespaceTopic ? '2023-11-01' : '2018-01-01');
  const header = (value: string): Record<string, string> =>
    isNamespaceTopic ? { authorization: `SharedAccessKey ${value}` } : { 'aeg-sas-key': value };
  return { url, credentials: key === undefined ? { entraScope: scope } : { eventGrid: header(key) } };
}

/** Which settings mean something to which kind of sink. */
const MEANT_FOR: Readonly<Record<string, readonly Kind[]>> = {
  'sink-token-file': ['http'],
  'sink-entra-scope': ['http', 'event-grid'],
  SINK_FUNCTION_KEY: ['http'],
  SINK_BEARER_TOKEN: ['http'],
  SINK_SIGNING_SECRET: ['http'],
  SINK_EVENT_GRID_KEY: ['event-grid'],
  SINK_ACCOUNT_KEY: ['storage-queue'],
};
const BEARERS = ['SINK_BEARER_TOKEN', 'sink-token-file', 'sink-entra-scope'] as const;

const kindIn = ({ 'sink-kind': given = 'http' }: Given): Kind | undefined => KINDS.find((kind) => kind === given);

function credentialProblems(given: Given): Problem[] {
  const kind = kindIn(given);
  const misplaced = Object.entries(MEANT_FOR).flatMap(([name, kinds]) =>
    given[name] === undefined || kind === undefined || kinds.includes(kind)
      ? []
      : [{ name, message: `is for a sink of kind ${kinds.join(' or ')}, and this one is ${kind}` }],
  );
  const [, ...tooMany] = BEARERS.filter((name) => given[name] !== undefined);
  return [
    ...misplaced,
    ...tooMany.map((name) => ({ name, message: 'only one token can be sent: leave the others out' })),
  ];
}

/** A signature covers the body, so the attributes have to be in it. */
function modeProblems(given: Given): Problem[] {
  const { mode = 'structured', SINK_SIGNING_SECRET: secret } = given;
  const kind = kindIn(given);
  if (kind !== undefined && kind !== 'http' && mode !== 'structured')
    return [{ name: 'mode', message: `must be structured for a sink of kind ${kind}` }];
  if (secret !== undefined && mode === 'binary')
    return [{ name: 'mode', message: 'must be structured or batched where SINK_SIGNING_SECRET is set' }];
  return [];
}

const IN_CLUSTER = /\.svc(\.cluster\.local)?$/;
function addressProblems(sink: URL | null, plainHttp: 'inside' | 'anywhere'): Problem[] {
  // What is no URL is said already.
  const message = sink === null || !/^https?:$/.test(sink.protocol) ? undefined : addressProblem(sink, plainHttp);
  return message === undefined ? [] : [{ name: 'sink', message }];
}

/** A link-local address is refused whatever is allowed. */
function addressProblem(sink: URL, plainHttp: 'inside' | 'anywhere'): string | undefined {
  if (sink.username !== '' || sink.password !== '')
    return 'must have no user name and no password: SINK_BEARER_TOKEN and its like hold credentials';
  // A name may end in the dot of the root.
  const hostname = sink.hostname.replace(/\.$/, '');
  if (isMetadataHost(hostname)) return `${hostname} is a link-local or metadata address, which is never a sink`;
  const isInside = isLoopback(hostname) || IN_CLUSTER.test(hostname);
  if (sink.protocol === 'https:' || isInside || plainHttp === 'anywhere') return undefined;
  return `${hostname} is outside this machine and this cluster: use https, or --insecure-sink if that is meant`;
}
