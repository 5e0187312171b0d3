import { expect, it } from 'vitest';
import { messageOf } from '../../functions/cluster/causes.ts';
import { whyOf } from '../../infra/cli/errors.ts';

/** As Node fails to connect to a name with several addresses. */
const SEVERAL = new AggregateError(
  [new Error('connect ECONNREFUSED ::1:6443'), new Error('connect ECONNREFUSED 127.0.0.1:6443')],
  '',
);
const BOTH = 'connect ECONNREFUSED ::1:6443; connect ECONNREFUSED 127.0.0.1:6443';

it.each<[string, unknown, string]>([
  ['its own', new Error('no route', { cause: new Error('x') }), 'no route'],
  ['that of its cause, if it has none', new Error('', { cause: new Error('no route') }), 'no route'],
  ['those of all attempts, if a name has several addresses', SEVERAL, BOTH],
  ['the same, as a cause', new Error('', { cause: SEVERAL }), BOTH],
  ['its name, if there is nothing else', new TypeError(''), 'TypeError'],
  ['its text, if it is no error', 'stopped', 'stopped'],
])('The message of an error is %s', (_, error, message) => {
  expect(messageOf(error)).toBe(message);
});

it('The cause of a failed fetch names all addresses', () => {
  expect(whyOf(new TypeError('fetch failed', { cause: SEVERAL }))).toBe(BOTH);
  expect(whyOf(new Error('no'))).toBe('no');
});
