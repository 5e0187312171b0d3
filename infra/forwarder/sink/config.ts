import * as z from 'zod';
import { authorityProblem } from '../../../functions/cluster/credentials/plausible.ts';
import { isLoopback } from '../../../functions/settings/loopback.ts';
import { filePath, oneOf } from '../../../functions/settings/setting-values.ts';
import { secretBytes, secretsIn } from '../../../functions/callers/signing-secrets.ts';
import { filePathIn } from './file-path.ts';
import { isMetadataHost } from './metadata-address.ts';

/** How the forwarder authenticates to a sink. */
export interface CredentialSettings {
  readonly functionKey?: string | undefined;
  readonly bearerToken?: string | undefined;
  readonly tokenFile?: string | undefined;
  readonly entraScope?: string | undefined;
  /** Standard Webhooks secrets (`whsec_` and base64). Each of them signs every message. */
  readonly signingSecrets?: readonly string[] | undefined;
  /** The header with Event Grid's key. */
  readonly eventGrid?: Readonly<Record<string, string>> | undefined;
}

export interface HttpSinkConfig {
  readonly kind: 'http';
  readonly url: URL;
  readonly mode: 'binary' | 'structured' | 'batched';
  readonly credentials: CredentialSettings;
  /** PEM, trusted in addition to the system's certificates. */
  readonly caCertificates?: string | undefined;
}

export interface QueueSinkConfig {
  readonly kind: 'storage-queue';
  readonly url: URL;
  /** When absent, the SAS signature in the URL or Microsoft Entra is used. */
  readonly accountKey?: string | undefined;
}

export interface FileSinkConfig {
  readonly kind: 'file';
  readonly url: URL;
}

export type SinkConfig = HttpSinkConfig | QueueSinkConfig | FileSinkConfig;

/** A header value cannot hold a line break. One at the end of a Secret would otherwise make every delivery fail. */
const headerSecret = z.string().regex(/^[\x21-\x7e]+$/, 'must be one line of printable ASCII, without spaces');

const KINDS = ['http', 'event-grid', 'storage-queue', 'file'] as const;
type Kind = (typeof KINDS)[number];

/** The settings of the sink, by flag name, and the secrets by variable name. */
export const sinkSettings = z.object({
  sink: z.url({
    protocol: /^(https?|file)$/,
    error: ({ input }) =>
      input === undefined
        ? 'is required: the URL to send events to, such as https://functions.example.com/'
        : 'must be an http, https or file URL',
  }),
  'sink-kind': oneOf(KINDS).optional(),
  mode: oneOf(['binary', 'structured', 'batched']).optional(),
  'sink-token-file': filePath.optional(),
  'sink-entra-scope': z.string().optional(),
  SINK_FUNCTION_KEY: headerSecret.optional(),
  SINK_BEARER_TOKEN: headerSecret.optional(),
  SINK_EVENT_GRID_KEY: headerSecret.optional(),
  SINK_ACCOUNT_KEY: z.base64('must be the base64 key of the storage account').optional(),
  SINK_SIGNING_SECRET: z
    .string()
    .transform(secretsIn)
    .refine((secrets) => secrets.length > 0 && secrets.every(isSecret), {
      error: 'must be whsec_ followed by base64, or several of these separated by spaces',
    })
    .optional(),
  K_CA_CERTS: z
    .string()
    .refine((pem) => authorityProblem(pem) === undefined, 'must be valid PEM certificates')
    .optional(),
});
const isSecret = (secret: string): boolean => secret.startsWith('whsec_') && secretBytes(secret) !== undefined;
export type SinkSettings = z.output<typeof sinkSettings>;

/** A setting that is invalid in combination with others, and what to do about it. */
export interface Problem {
  readonly name: string;
  readonly message: string;
}

/** Unparsed values, by setting. */
type Given = Readonly<Record<string, string | undefined>>;

/** Checks combinations of settings. Takes unparsed values, so that it also runs when a single setting is invalid. */
export const sinkProblems = (given: Given, plainHttp: 'inside' | 'anywhere'): readonly Problem[] => [
  ...addressProblems(URL.parse(given['sink'] ?? ''), plainHttp),
  ...fileProblems(given),
  ...credentialProblems(given),
  ...modeProblems(given),
];

/** Call it only if `sinkProblems` found no problem. */
export function sinkConfigFrom(settings: SinkSettings): SinkConfig {
  const url = new URL(settings.sink);
  const { SINK_FUNCTION_KEY: functionKey, SINK_BEARER_TOKEN: bearerToken, K_CA_CERTS: caCertificates } = settings;
  switch (settings['sink-kind'] ?? usualKindOf(settings.sink)) {
    case 'file':
      return { kind: 'file', url };
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

/** Source: Azure Event Grid's documentation on authenticating publishers, for custom topics and for namespace topics. */
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

/** The kinds of sink that each setting applies to. */
const APPLIES_TO: Readonly<Record<string, readonly Kind[]>> = {
  'sink-token-file': ['http'],
  'sink-entra-scope': ['http', 'event-grid'],
  SINK_FUNCTION_KEY: ['http'],
  SINK_BEARER_TOKEN: ['http'],
  SINK_SIGNING_SECRET: ['http'],
  SINK_EVENT_GRID_KEY: ['event-grid'],
  SINK_ACCOUNT_KEY: ['storage-queue'],
};
const BEARERS = ['SINK_BEARER_TOKEN', 'sink-token-file', 'sink-entra-scope'] as const;

const usualKindOf = (sink: string): 'file' | 'http' => (/^file:/i.test(sink) ? 'file' : 'http');

const kindIn = ({ sink = '', 'sink-kind': given = usualKindOf(sink) }: Given): Kind | undefined =>
  KINDS.find((kind) => kind === given);

function fileProblems(given: Given): Problem[] {
  const { sink } = given;
  const kind = kindIn(given);
  if (sink === undefined || kind === undefined) return [];
  if (kind !== 'file')
    return usualKindOf(sink) === 'file'
      ? [{ name: 'sink', message: `must be an http or https URL with --sink-kind ${kind}` }]
      : [];
  const file = filePathIn(sink);
  return 'problem' in file ? [{ name: 'sink', message: file.problem }] : [];
}

function credentialProblems(given: Given): Problem[] {
  const kind = kindIn(given);
  const misplaced = Object.entries(APPLIES_TO).flatMap(([name, kinds]) =>
    given[name] === undefined || kind === undefined || kinds.includes(kind)
      ? []
      : [{ name, message: `requires --sink-kind ${kinds.join(' or ')}, but it is ${kind}` }],
  );
  const [, ...tooMany] = BEARERS.filter((name) => given[name] !== undefined);
  return [...misplaced, ...tooMany.map((name) => ({ name, message: 'only one token can be sent: remove the others' }))];
}

/** A signature covers only the body, and binary mode sends the event's attributes as headers. */
function modeProblems(given: Given): Problem[] {
  const { mode = 'structured', SINK_SIGNING_SECRET: secret } = given;
  const kind = kindIn(given);
  if (kind !== undefined && kind !== 'http' && mode !== 'structured')
    return [{ name: 'mode', message: `must be structured with --sink-kind ${kind}` }];
  if (secret !== undefined && mode === 'binary')
    return [{ name: 'mode', message: 'must be structured or batched with SINK_SIGNING_SECRET' }];
  return [];
}

const IN_CLUSTER = /\.svc(\.cluster\.local)?$/;
function addressProblems(sink: URL | null, plainHttp: 'inside' | 'anywhere'): Problem[] {
  // The schema already reports an invalid URL.
  const message = sink === null || !/^https?:$/.test(sink.protocol) ? undefined : addressProblem(sink, plainHttp);
  return message === undefined ? [] : [{ name: 'sink', message }];
}

/** Link-local and metadata addresses are refused even with --insecure-sink. */
function addressProblem(sink: URL, plainHttp: 'inside' | 'anywhere'): string | undefined {
  if (sink.username !== '' || sink.password !== '')
    return 'must not contain a user name or password: use SINK_BEARER_TOKEN or another credential setting';
  // A fully qualified name may end in a dot.
  const hostname = sink.hostname.replace(/\.$/, '');
  if (isMetadataHost(hostname)) return 'must not be a link-local or metadata address';
  const isInside = isLoopback(hostname) || IN_CLUSTER.test(hostname);
  if (sink.protocol === 'https:' || isInside || plainHttp === 'anywhere') return undefined;
  return 'is outside this machine and this cluster: use https, or allow plain http with --insecure-sink';
}
