// Wrong settings, given to the built forwarder.
import { expect, it } from 'vitest';
import { startForwarder } from '../program.ts';

/** Stands in each secret. */
const HUSH = 'hunter2-marker';
const HALF = `-----BEGIN CERTIFICATE-----\n${Buffer.from(HUSH).toString('base64')}\n`;

it.each<[string, string[], Record<string, string>, string[]]>([
  [
    'of each kind',
    ['--parallel=x', '--timeout', '0', '--mode', 'smoke', '--sink-bearer-token', HUSH, '--insecure-sink=no', '--lease'],
    {
      SINK: `http://somebody:${HUSH}@functions.example.com/`,
      PORT: '1.5',
      SHARD: '3/3',
      NAMESPACES: 'a,B,C',
      LOG_LEVEL: 'loud',
      CLUSTER_NAME: 'the west',
      LEASE_NAMESPACE: 'A',
      SINK_FUNCTION_KEY: `${HUSH}\n`,
      SINK_BEARER_TOKEN: `${HUSH} ${HUSH}`,
      SINK_TOKEN_FILE: '/token',
      SINK_EVENT_GRID_KEY: `${HUSH}\r\n`,
      SINK_ACCOUNT_KEY: HUSH,
      SINK_SIGNING_SECRET: HUSH,
      K_CA_CERTS: HALF,
      K_CE_OVERRIDES: `{"extensions": {"TYPE": "${HUSH}"`,
      OTEL_EXPORTER_OTLP_ENDPOINT: `collector:4318/${HUSH}`,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: HUSH,
      OTEL_TRACES_SAMPLER: HUSH,
      OTEL_BSP_SCHEDULE_DELAY: '0.5',
    },
    [
      "Unknown option '--sink-bearer-token'. See --help",
      'Unexpected argument at position 7. See --help',
      '--insecure-sink does not take a value. See --help',
      '--lease needs a value. See --help',
      '--sink (SINK, K_SINK): must not contain a user name or password: use SINK_BEARER_TOKEN or another credential setting',
      '--mode (MODE): must be one of binary, structured, batched',
      '--parallel (PARALLEL): must be a whole number from 1 to 1000',
      '--timeout (TIMEOUT): must be a number from 1 to 600',
      '--port (PORT): must be a whole number from 0 to 65535',
      '--shard (SHARD): I must be less than N, because shards are counted from 0',
      '--namespaces (NAMESPACES): must be namespace names, such as team-a,team-b',
      '--log-level (LOG_LEVEL): must be one of trace, debug, info, warn, error, silent',
      '--cluster (CLUSTER_NAME): must be letters, digits, - . _',
      '--lease-namespace (LEASE_NAMESPACE, POD_NAMESPACE): must be a DNS label',
      'SINK_FUNCTION_KEY: must be one line of printable ASCII, without spaces',
      'SINK_BEARER_TOKEN: must be one line of printable ASCII, without spaces',
      '--sink-token-file (SINK_TOKEN_FILE): only one token can be sent: remove the others',
      'SINK_EVENT_GRID_KEY: must be one line of printable ASCII, without spaces',
      'SINK_EVENT_GRID_KEY: requires --sink-kind event-grid, but it is http',
      'SINK_ACCOUNT_KEY: must be the base64 key of the storage account',
      'SINK_ACCOUNT_KEY: requires --sink-kind storage-queue, but it is http',
      'SINK_SIGNING_SECRET: must be whsec_ followed by base64, or several of these separated by spaces',
      'K_CA_CERTS: must be valid PEM certificates',
      'K_CE_OVERRIDES: must be {"extensions": {...}} as JSON, with printable ASCII',
      'OTEL_EXPORTER_OTLP_ENDPOINT: must be an http or https URL',
      'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: must be an http or https URL',
      'OTEL_TRACES_SAMPLER: must be one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio',
      'OTEL_BSP_SCHEDULE_DELAY: must be a whole number from 1 to 3600000',
    ],
  ],
  [
    'of the sink URL, and some others',
    ['--parallel', ' '],
    { SINK: 'http://functions.example.com/', SINK_SIGNING_SECRET: `whsec_${HUSH}`, MODE: 'binary', K_CA_CERTS: HUSH },
    [
      '--parallel (PARALLEL): must be a whole number from 1 to 1000',
      '--sink (SINK, K_SINK): is outside this machine and this cluster: use https, or allow plain http with --insecure-sink',
      'SINK_SIGNING_SECRET: must be whsec_ followed by base64, or several of these separated by spaces',
      '--mode (MODE): must be structured or batched with SINK_SIGNING_SECRET',
      'K_CA_CERTS: must be valid PEM certificates',
    ],
  ],
  [
    'that hold a secret in place of the name of its file',
    ['--sink', 'http://127.0.0.1:1', '--sink-token-file', `eyJ${HUSH}.${HUSH}.x`],
    { KUBECONFIG: `-----BEGIN CERTIFICATE-----${HUSH}` },
    [
      '--sink-token-file (SINK_TOKEN_FILE): must be the path of a file, and not its content',
      '--kubeconfig (KUBECONFIG): must be the path of a file, and not its content',
    ],
  ],
  [
    'without a sink, with credentials for another kind of sink',
    ['--timeout', 'Infinity'],
    { SINK_KIND: 'event-grid', MODE: 'batched', SINK_FUNCTION_KEY: HUSH },
    [
      '--sink (SINK, K_SINK): is required: the URL to send events to, such as https://functions.example.com/',
      '--mode (MODE): must be structured with --sink-kind event-grid',
      '--timeout (TIMEOUT): must be a number from 1 to 600',
      'SINK_FUNCTION_KEY: requires --sink-kind http, but it is event-grid',
    ],
  ],
])('The error names all wrong settings %s at once, and quotes no secret', async (_, args, variables, problems) => {
  const program = startForwarder(args, variables);
  expect(await program.exit).toBe(2);
  const [heading, ...lines] = program.stderr.join('').trimEnd().split('\n  ');
  expect([heading, program.text]).toEqual(['Invalid settings:', []]);
  expect(lines.toSorted()).toEqual(problems.toSorted());
  for (const secret of [HUSH, Buffer.from(HUSH).toString('base64')])
    expect(program.stderr.join('')).not.toContain(secret);
});
