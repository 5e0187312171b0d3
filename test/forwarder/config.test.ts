import { expect, it } from 'vitest';
import { configFrom } from '../../infra/forwarder/config.ts';

const SINK = 'http://127.0.0.1:8080/';

it('takes flags before variables, and SINK before K_SINK', () => {
  const variables = { K_SINK: 'http://127.0.0.1:1/', SINK: 'http://127.0.0.1:2/', PARALLEL: '4' };
  expect(configFrom([], variables)).toMatchObject({
    sink: new URL('http://127.0.0.1:2/'),
    parallel: 4,
    mode: 'binary',
  });
  expect(configFrom(['--sink', SINK, '--parallel', '7'], variables)).toMatchObject({
    sink: new URL(SINK),
    parallel: 7,
  });
  expect(configFrom([], { K_SINK: SINK })).toMatchObject({ sink: new URL(SINK) });
});

it('names every setting that is wrong, by flag and variable', () => {
  const read = () => configFrom(['--mode', 'smoke', '--parallel', '0'], { PORT: 'x' });
  for (const part of [
    '--sink (SINK, K_SINK): must be',
    '--mode (MODE): ',
    '--parallel (PARALLEL): ',
    '--port (PORT): ',
  ]) {
    expect(read).toThrow(part);
  }
});

it('names a flag that it does not know', () => {
  expect(() => configFrom(['--sinc', SINK], {})).toThrow("Unknown option '--sinc'");
});

it.each([
  'https://functions.example.com/api/websites',
  'http://localhost:7071/api/websites',
  'http://[::1]:8080/',
  'http://broker-ingress.knative-eventing.svc.cluster.local/default/default',
  'http://functions.default.svc/',
])('sends to %s', (sink) => {
  expect(configFrom(['--sink', sink], {})).toMatchObject({ sink: new URL(sink) });
});

it.each([
  ['http://functions.example.com/', [], 'use https, or --insecure-sink'],
  ['http://10.0.0.1/', [], 'use https, or --insecure-sink'],
  ['ftp://x/', [], 'must be the http or https URL'],
  ['https://169.254.169.254/latest', ['--insecure-sink'], 'link-local or metadata'],
  ['http://metadata.google.internal/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://[fe80::1]/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://2852039166/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://[::ffff:169.254.169.254]/', ['--insecure-sink'], 'link-local or metadata'],
  ['https://metadata.google.internal./', ['--insecure-sink'], 'link-local or metadata'],
])('refuses %s', (sink, flags, message) => {
  expect(() => configFrom(['--sink', sink, ...flags], {})).toThrow(message);
});

it('sends in the clear where that is meant', () => {
  expect(configFrom(['--sink', 'http://10.0.0.1/', '--insecure-sink'], {})).toMatchObject({
    sink: new URL('http://10.0.0.1/'),
  });
});
