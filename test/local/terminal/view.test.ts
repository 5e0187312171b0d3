import type { WriteStream } from 'node:tty';
import { expect, it } from 'vitest';
import { fitted, liveLines, websiteLines } from '../../../infra/local/terminal/view.ts';
import { aWebsite } from '../../fixtures/websites.ts';

function output(): { stream: WriteStream; text: () => string } {
  const written: string[] = [];
  const stream = { isTTY: false, write: (text: string) => written.push(text) } as unknown as WriteStream;
  return { stream, text: () => written.join('') };
}

const ready = aWebsite({
  status: {
    readyReplicas: 2,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '', reason: 'Available', message: '' }],
  },
});

it('A Website is a line: ready, replicas, last event and its outcome', () => {
  const events = new Map([['team-a/shop', { reason: 'spec-changed', outcome: 'settled' }]]);
  expect(websiteLines([ready], events)[1]?.split(/ {2,}/)).toEqual([
    '',
    'team-a/shop',
    'Ready (Available)',
    '2/2',
    'spec-changed',
    'settled',
  ]);
});

it('What the Deployment is set to counts where an autoscaler decides', () => {
  const { status } = ready;
  const line = websiteLines([{ ...ready, status: { ...status, replicasSet: 4 } }], new Map())[1];
  expect(line).toContain('2/4');
});

it('A Website that nobody has looked at yet is a line, too', () => {
  const line = websiteLines([aWebsite({ spec: undefined })], new Map())[1];
  expect(line?.split(/ {2,}/)).toEqual(['', 'team-a/shop', 'Unknown', '0/?', '-', '-']);
});

it('Lines are cut to the size of the terminal, and those that are left out are counted', () => {
  const lines = ['header', 'one', 'two', 'three', 'four'];
  expect(fitted(lines, 80, 24)).toEqual(lines);
  expect(fitted(lines, 4, 24)).toEqual(['head', 'one', 'two', 'thre', 'four']);
  expect(fitted(lines, 80, 5)).toEqual(['header', 'one', 'two', '  and 2 more']);
});

it('Elsewhere than on a terminal, only what changed is printed', () => {
  const { stream, text } = output();
  const show = liveLines(stream);
  show(['header', 'one is waiting', 'two']);
  show(['header', 'one is waiting', 'two']);
  show(['header', 'one is ready', 'two']);
  expect(text()).toBe('header\none is waiting\ntwo\none is ready\n');
});
