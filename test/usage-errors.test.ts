// A setting may hold a secret, also one that a user mistook for another. So what a program says about wrong settings quotes no value.
import { expect, it } from 'vitest';
import { configFrom as functionsConfigFrom, SETTINGS as FUNCTIONS } from '../functions/config.ts';
import { callersProblems } from '../functions/settings/cross-checks.ts';
import { configFrom as forwarderConfigFrom, SETTINGS as FORWARDER } from '../infra/forwarder/config.ts';
import { FLAGS } from '../infra/forwarder/flags.ts';

const HUSH = 'hunter2';
/** Values that pass some checks and not others. */
const VALUES = [
  HUSH,
  `${HUSH} ${HUSH}\n`,
  `-${HUSH}`,
  `--${HUSH}`,
  `${HUSH}/${HUSH}`,
  `http://${HUSH}.example.com/${HUSH}`,
  `https://${HUSH}:${HUSH}@example.com/`,
  `http://169.254.169.254/${HUSH}`,
  `file://${HUSH}`,
  `postgres://${HUSH}`,
  `sqlite:${HUSH}`,
  `whsec_${HUSH}`,
  `@Microsoft.KeyVault(${HUSH})`,
  `{"${HUSH}":"${HUSH}","extensions":{"${HUSH}":"${HUSH}"}}`,
  `{"${HUSH}":{"${HUSH}":1}}`,
  `{"https://${HUSH}":""}`,
];

const errorOf = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    return String(error);
  }
  throw new Error('The settings are valid');
};
const quoting = (errors: readonly string[]) => errors.filter((error) => error.toLowerCase().includes(HUSH));

it.each(FUNCTIONS)('The error about wrong settings of the functions quotes no value of %s', (name) => {
  const errors = VALUES.map((value) =>
    // One setting is wrong in any case.
    errorOf(() => functionsConfigFrom({ MAX_CONCURRENT: HUSH, ALLOW_ANONYMOUS: '1', [name]: value }, callersProblems)),
  );
  expect(quoting(errors)).toEqual([]);
});

it.each(FORWARDER)('The error about wrong settings of the forwarder quotes no value of %s', (name) => {
  const wrong = (args: readonly string[], variables: Readonly<Record<string, string>> = {}) =>
    errorOf(() => forwarderConfigFrom([...args, '--parallel', HUSH], { TIMEOUT: HUSH, ...variables }));
  const errors = VALUES.flatMap((value) => [
    ...(FLAGS[name as keyof typeof FLAGS] ?? [name]).map((variable) => wrong([], { [variable]: value })),
    ...[[`--${name}=${value}`], [`--${name}`, value], [`--${name}${value}`]].map((args) => wrong(args)),
  ]);
  expect(quoting(errors)).toEqual([]);
});

it('The error about an unknown argument names a flag, and quotes no value', () => {
  const unknown = (...args: string[]) => errorOf(() => forwarderConfigFrom(args, {}));
  const errors = [
    unknown('--key', HUSH),
    unknown(`--key=${HUSH}`),
    unknown(`--key${HUSH}`),
    unknown(`--insecure-sink=${HUSH}`),
    unknown('--', HUSH),
  ];
  expect(quoting(errors)).toEqual([]);
  expect(errors[0]).toContain("Unknown option '--key'");
  // One letter at a time would be a quote, too.
  expect(unknown(`-${HUSH}`)).not.toContain("'-");
});

it.each(['{"kind":"Config"}', 'kind: Config\n'])(
  'The text of a kubeconfig is refused where its path belongs: %j',
  (text) => {
    const variables = { SINK: 'http://127.0.0.1/', ALLOW_ANONYMOUS: '1', HOST: '127.0.0.1', KUBECONFIG: text };
    const problem = 'must be the path of a file, and not its content';
    expect(() => functionsConfigFrom(variables, callersProblems)).toThrow(`KUBECONFIG: ${problem}`);
    expect(() => forwarderConfigFrom([], variables)).toThrow(`--kubeconfig (KUBECONFIG): ${problem}`);
  },
);
