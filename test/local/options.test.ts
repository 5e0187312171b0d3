import { expect, it } from 'vitest';
import { optionsFrom } from '../../infra/local/options.ts';

it('Without flags, npm start runs a control plane and shows it live', () => {
  expect(optionsFrom([])).toMatchObject({
    kubeconfig: undefined,
    consent: 'ask',
    port: 0,
    output: 'live',
    page: 'default',
  });
});

it.each([
  ['9000', 9000],
  ['0', 0],
  ['off', 'off'],
])('The flag --page accepts %s', (text, page) => {
  expect(optionsFrom(['--page', text])).toMatchObject({ page });
});

it('The flag --otlp names a collector', () => {
  expect(optionsFrom([])).toMatchObject({ otlp: undefined });
  expect(optionsFrom(['--otlp', 'http://localhost:4318'])).toMatchObject({ otlp: 'http://localhost:4318/' });
});

it.each([
  [['--data='], '--data must not be empty'],
  [['--port', ''], '--port must not be empty'],
  [['--otlp='], '--otlp must not be empty'],
  [['--page='], '--page must not be empty'],
  [['--kubeconfig='], '--kubeconfig must not be empty'],
  [['--kubeconfig', 'f', '--context='], '--context must not be empty'],
  [['--bogus'], "Unknown option '--bogus'"],
  [['extra'], "Unexpected argument 'extra'"],
  [['--port', 'x'], '--port must be a whole number from 0 to 65535'],
  [['--page', 'on'], '--page must be off or a whole number from 0 to 65535'],
  [['--port', '70000'], '--port must be a whole number'],
  [['--otlp', 'localhost:4318'], '--otlp must be the http or https URL of a collector'],
  [['--otlp', 'http://me:secret@localhost'], '--otlp must not hold a user or a password'],
  [['--page', '-1'], "Option '--page' argument is ambiguous. See npm start"],
  [['--yes'], '--yes requires --kubeconfig'],
  [['--context', 'c'], '--context requires --kubeconfig'],
  [['--kubeconfig', 'f', '--data', 'd'], '--data cannot be combined with --kubeconfig'],
])('The arguments %j are refused with an error that names the problem', (args, message) => {
  expect(() => optionsFrom(args)).toThrow(message);
});
