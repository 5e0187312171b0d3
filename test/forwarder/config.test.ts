import { describe, expect, it } from 'vitest';
import { configFrom, type Config } from '../../infra/forwarder/config.ts';
import { FLAGS } from '../../infra/forwarder/flags.ts';

const SINK = 'http://127.0.0.1:8080/';

it('A flag overrides its variable, and SINK overrides K_SINK', () => {
  const variables = { K_SINK: 'http://127.0.0.1:1/', SINK: 'http://127.0.0.1:2/', PARALLEL: '4' };
  expect(configFrom([], variables)).toMatchObject({
    sink: { kind: 'http', url: new URL('http://127.0.0.1:2/'), mode: 'binary' },
    parallel: 4,
  });
  expect(configFrom(['--sink', SINK, '--parallel', '7'], variables)).toMatchObject({
    sink: { url: new URL(SINK) },
    parallel: 7,
  });
  expect(configFrom([], { K_SINK: SINK })).toMatchObject({ sink: { url: new URL(SINK) } });
});

it('The error names every wrong setting, by flag and variable', () => {
  const read = () => configFrom(['--mode', 'smoke', '--parallel', '0'], { PORT: 'x' });
  for (const part of [
    '--sink (SINK, K_SINK): is required',
    '--mode (MODE): ',
    '--parallel (PARALLEL): ',
    '--port (PORT): ',
  ]) {
    expect(read).toThrow(part);
  }
});

it.each(Object.keys(FLAGS))('The flag --%s needs a value that is not empty', (name) => {
  expect(() => configFrom([`--${name}=`], { SINK: 'http://127.0.0.1:1/' })).toThrow(`--${name} needs a value`);
});

it('The error names an unknown flag', () => {
  expect(() => configFrom(['--sinc', SINK], {})).toThrow("Unknown option '--sinc'");
});

it.each([
  'https://functions.example.com/api/websites',
  'http://localhost:7071/api/websites',
  'http://[::1]:8080/',
  'http://broker-ingress.knative-eventing.svc.cluster.local/default/default',
  'http://functions.default.svc/',
])('The forwarder accepts the sink %s', (sink) => {
  expect(configFrom(['--sink', sink], {})).toMatchObject({ sink: { url: new URL(sink) } });
});

it.each([['file:///var/events.jsonl'], ['FILE:///var/events.jsonl', '--sink-kind', 'file', '--mode', 'structured']])(
  'The forwarder accepts the file %s',
  (sink, ...flags) => {
    const { sink: config } = configFrom(['--sink', sink, ...flags], {}) as Config;
    expect(config).toEqual({ kind: 'file', url: new URL('file:///var/events.jsonl') });
  },
);

it.each([
  ['http://functions.example.com/', [], 'use https, or allow plain http with --insecure-sink'],
  ['http://10.0.0.1/', [], 'use https, or allow plain http with --insecure-sink'],
  ['ftp://x/', [], 'must be an http, https or file URL'],
  ['file://events.jsonl', [], 'must have the whole path of a file and no host'],
  ['file:events.jsonl', [], 'must have the whole path of a file and no host'],
  ['file://localhost/var/events.jsonl', [], 'must have the whole path of a file and no host'],
  ['file:////host/events.jsonl', [], 'must have the whole path of a file and no host'],
  ['file:///var/events/', [], 'must end in the name of a file'],
  ['file:///', [], 'must have the whole path of a file and no host'],
  ['file:///var/events.jsonl?x', [], 'must write ? as %3F'],
  ['file:///var/%2Fevents', [], 'have no %2F'],
  ['file:///var/100%', [], 'must write % as %25'],
  ['file:///var/%00', [], 'must not have %00'],
  [
    'file:///var/events.jsonl',
    ['--sink-kind', 'storage-queue'],
    'must be an http or https URL with --sink-kind storage-queue',
  ],
  ['file:///var/events.jsonl', ['--mode', 'batched'], '--mode (MODE): must be structured with --sink-kind file'],
  ['https://x/', ['--sink-kind', 'file'], 'must be a file URL, such as file:///var/lib/website/events.jsonl'],
  ['https://169.254.169.254/latest', ['--insecure-sink'], 'link-local or metadata'],
  ['http://metadata.google.internal/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://[fe80::1]/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://2852039166/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://[::ffff:169.254.169.254]/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://metadata.google.internal./', ['--insecure-sink'], 'link-local or metadata'],
  ['https://[64:ff9b::169.254.169.254]/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://somebody@functions.example.com/', [], '--sink (SINK, K_SINK): must not contain a user name or password'],
  ['https://:secret@functions.example.com/', [], '--sink (SINK, K_SINK): must not contain a user name or password'],
])('The forwarder refuses the sink %s', (sink, flags, message) => {
  expect(() => configFrom(['--sink', sink, ...flags], {})).toThrow(message);
});

it('--insecure-sink allows plain http', () => {
  expect(configFrom(['--sink', 'http://10.0.0.1/', '--insecure-sink'], {})).toMatchObject({
    sink: { url: new URL('http://10.0.0.1/') },
  });
});

describe('A sink of Azure may be', () => {
  const topic = 'https://t.westeurope-1.eventgrid.azure.net/api/events';
  const namespaceTopic = 'https://n.westeurope-1.eventgrid.azure.net/topics/websites:publish';
  const queue = 'https://account.queue.core.windows.net/websites';

  it.each([
    [
      'a custom topic, by key',
      ['--sink', topic, '--sink-kind', 'event-grid'],
      { SINK_EVENT_GRID_KEY: 'k' },
      { url: new URL(`${topic}?api-version=2018-01-01`), credentials: { eventGrid: { 'aeg-sas-key': 'k' } } },
    ],
    [
      'a custom topic, by Entra',
      ['--sink', topic, '--sink-kind', 'event-grid'],
      {},
      { mode: 'structured', credentials: { entraScope: 'https://eventgrid.azure.net/.default' } },
    ],
    [
      'a namespace topic, by key',
      ['--sink', namespaceTopic],
      { SINK_KIND: 'event-grid', SINK_EVENT_GRID_KEY: 'k' },
      {
        url: new URL(`${namespaceTopic}?api-version=2023-11-01`),
        credentials: { eventGrid: { authorization: 'SharedAccessKey k' } },
      },
    ],
    [
      'a storage queue',
      ['--sink', queue, '--sink-kind', 'storage-queue'],
      { SINK_ACCOUNT_KEY: 'a2V5' },
      { kind: 'storage-queue', url: new URL(queue), accountKey: 'a2V5' },
    ],
  ])('%s', (_, flags, variables, sink) => {
    expect(configFrom(flags, variables)).toMatchObject({ sink });
  });
});

it('Signed events are structured or batched, because a signature covers only the body', () => {
  const variables = { SINK, SINK_SIGNING_SECRET: 'whsec_AAAA  whsec_BBBB' };
  expect(configFrom([], variables)).toMatchObject({
    sink: { mode: 'structured', credentials: { signingSecrets: ['whsec_AAAA', 'whsec_BBBB'] } },
  });
  expect(configFrom(['--mode', 'batched'], variables)).toMatchObject({ sink: { mode: 'batched' } });
  expect(() => configFrom(['--mode', 'binary'], variables)).toThrow('--mode (MODE): must be structured or batched');
});

it.each([
  [
    'two kinds of token',
    { SINK_BEARER_TOKEN: 'a', SINK_TOKEN_FILE: '/t' },
    '--sink-token-file (SINK_TOKEN_FILE): only one',
  ],
  [
    'batched mode for Event Grid',
    { SINK_KIND: 'event-grid', MODE: 'batched' },
    '--mode (MODE): must be structured with --sink-kind',
  ],
  [
    'batched mode for a storage queue',
    { SINK_KIND: 'storage-queue', MODE: 'batched' },
    '--mode (MODE): must be structured with --sink-kind',
  ],
  ['a key of another sink', { SINK_EVENT_GRID_KEY: 'a' }, 'SINK_EVENT_GRID_KEY: requires --sink-kind event-grid'],
  ['a malformed signing secret', { SINK_SIGNING_SECRET: 'secret' }, 'SINK_SIGNING_SECRET: must be whsec_'],
  ['CloudEvents overrides that are not JSON', { K_CE_OVERRIDES: '{' }, 'K_CE_OVERRIDES: must be'],
  ['an override of a core attribute', { K_CE_OVERRIDES: '{"extensions":{"type":"x"}}' }, 'K_CE_OVERRIDES: must be'],
  [
    'an override with a line break',
    { K_CE_OVERRIDES: '{"extensions":{"team":"a\\r\\nx: 1"}}' },
    'K_CE_OVERRIDES: must be {"extensions": {...}} as JSON, with printable ASCII',
  ],
  ['a function key with a line break', { SINK_FUNCTION_KEY: 'secret\n' }, 'SINK_FUNCTION_KEY: must be one line'],
  ['a token with a line break', { SINK_BEARER_TOKEN: 'a\r\nb' }, 'SINK_BEARER_TOKEN: must be one line'],
  [
    'an Event Grid key that is not ASCII',
    { SINK_KIND: 'event-grid', SINK_EVENT_GRID_KEY: 'schlüssel' },
    'SINK_EVENT_GRID_KEY: must be one line',
  ],
  ['invalid certificates', { K_CA_CERTS: 'x' }, 'K_CA_CERTS: must be valid PEM certificates'],
  ['a shard index that is too large', { SHARD: '3/3' }, '--shard (SHARD): I must be less than N'],
  ['a malformed shard', { SHARD: '1' }, '--shard (SHARD): must be I/N'],
  [
    'an invalid name of a namespace',
    { NAMESPACES: 'a,B' },
    '--namespaces (NAMESPACES): must be namespace names, such as team-a,team-b',
  ],
])('The forwarder refuses %s', (_, variables, message) => {
  expect(() => configFrom(['--sink', SINK], variables)).toThrow(message);
});

it.each([',,', ' , ', ' ', 'team-a,'])('The forwarder refuses the namespaces "%s"', (names) => {
  const message = '--namespaces (NAMESPACES): must be namespace names, such as team-a,team-b';
  expect(() => configFrom(['--sink', SINK], { NAMESPACES: names })).toThrow(message);
  expect(() => configFrom(['--sink', SINK, '--namespaces', names], {})).toThrow(message);
});

it('The settings name namespaces, shard, Lease, extensions and traces', () => {
  const variables = {
    SINK,
    NAMESPACES: 'a, b,a',
    SHARD: '1/3',
    LEASE: 'forwarder',
    POD_NAMESPACE: 'ops',
    K_CE_OVERRIDES: '{"extensions":{"team":"web"}}',
  };
  expect(configFrom([], variables)).toMatchObject({
    namespaces: ['a', 'b'],
    shard: { index: 1, count: 3 },
    lease: { namespace: 'ops', name: 'forwarder-1-of-3' },
    extensions: { team: 'web' },
    traces: undefined,
  });
  expect(configFrom([], { SINK, OTEL_EXPORTER_OTLP_ENDPOINT: SINK })).toMatchObject({
    lease: undefined,
    traces: { sampler: 'parentbased_always_on', ratio: 1, delayMs: 5_000 },
  });
});
