import { expect, it } from 'vitest';
import { logLineOf } from '../../../infra/local/processes/log-line.ts';

it.each([
  [
    'one of the functions',
    { level: 40, msg: 'Could not reconcile Website', namespace: 'a', name: 'shop', error: 'Unauthorized' },
    'warning',
    'Could not reconcile Website a/shop: Unauthorized',
  ],
  ['an error with its cause', { level: 50, msg: 'Failed', err: { message: 'no' } }, 'warning', 'Failed: no'],
  [
    'a watch',
    { level: 40, msg: 'Watch is waiting', resource: 'pods', why: 'gone' },
    'warning',
    'Watch is waiting pods: gone',
  ],
  ['an ordinary one', { level: 30, msg: 'Listening' }, 'quiet', 'Listening'],
  ['one of etcd', { level: 'fatal', msg: 'failed', error: 'full' }, 'warning', 'failed: full'],
  ['one of KWOK', { level: 'INFO', msg: 'Patch node' }, 'quiet', 'Patch node'],
])('A line in words: %s', (_, line, level, text) => {
  expect(logLineOf(JSON.stringify(line))).toMatchObject({ level, text });
});

it.each(['plain', '17', 'null', '[1'])('A line that is no object is text: %s', (line) => {
  expect(logLineOf(line)).toEqual({ level: 'quiet', text: line, fields: { msg: line } });
});
