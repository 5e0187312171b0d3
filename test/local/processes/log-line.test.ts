import { expect, it } from 'vitest';
import { logLineOf, timesByText } from '../../../infra/local/processes/log-line.ts';

it.each([
  [
    'a warning of the functions',
    { level: 40, msg: 'Could not reconcile Website', namespace: 'a', name: 'shop', error: 'Unauthorized' },
    'warning',
    'Could not reconcile Website a/shop: Unauthorized',
  ],
  ['an error with its cause', { level: 50, msg: 'Failed', err: { message: 'no' } }, 'warning', 'Failed: no'],
  [
    'a warning about a watch',
    { level: 40, msg: 'Watch is interrupted and will try again', resource: 'pods', why: 'Expired' },
    'warning',
    'Watch is interrupted and will try again (pods): Expired',
  ],
  [
    'the rest of lines that were left out',
    { level: 40, msg: 'Left out lines', line: 'Refused caller', problem: 'no token', leftOut: 7 },
    'warning',
    'Refused caller: no token',
  ],
  ['an ordinary line', { level: 30, msg: 'Listening' }, 'quiet', 'Listening'],
  ['a fatal error of etcd', { level: 'fatal', msg: 'failed', error: 'full' }, 'warning', 'failed: full'],
  ['an ordinary line of KWOK', { level: 'INFO', msg: 'Patch node' }, 'quiet', 'Patch node'],
])('A JSON log line becomes a level and a text: %s', (_, line, level, text) => {
  expect(logLineOf(JSON.stringify(line))).toMatchObject({ level, text });
});

it.each(['plain', '17', 'null', '[1'])('A log line that is no JSON object is shown as it is: %s', (line) => {
  expect(logLineOf(line)).toEqual({ level: 'quiet', text: line, fields: { msg: line } });
});

const FAILED = { level: 40, msg: 'Could not deliver event', why: 'refused' };

it.each([
  ['one line', FAILED, [['Could not deliver event: refused', 1]]],
  ['a line and those left out before it', { ...FAILED, leftOut: 7 }, [['Could not deliver event: refused', 8]]],
  [
    'a line about a Website, since those left out may be about others',
    { ...FAILED, namespace: 'a', name: 'shop', leftOut: 7 },
    [
      ['Could not deliver event a/shop: refused', 1],
      ['Could not deliver event: refused', 7],
    ],
  ],
  [
    'only those left out',
    { level: 40, msg: 'Left out lines', line: FAILED.msg, problem: FAILED.why, leftOut: 7 },
    [['Could not deliver event: refused', 7]],
  ],
  ['a line whose number is none', { ...FAILED, leftOut: '7' }, [['Could not deliver event: refused', 1]]],
])('A log line counts %s', (_, line, times) => {
  expect([...timesByText(logLineOf(JSON.stringify(line)))]).toEqual(times);
});
