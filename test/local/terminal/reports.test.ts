import { expect, it } from 'vitest';
import type { Website } from '../../../functions/website/resource.ts';
import type { Change } from '../../../infra/local/terminal/changes.ts';
import { Reports } from '../../../infra/local/terminal/reports.ts';
import { aWebsite } from '../../fixtures/websites.ts';

const NO_CHANGES = { of: () => undefined };
const cellsOf = (line = '') => line.trim().split(/ {2,}/);
const at = (seconds: number) => new Date(2026, 0, 1, 12, 0, seconds);

function site(name: string, reason: string, message = ''): Website {
  const base = aWebsite({});
  const status = reason === 'Available' ? 'True' : 'False';
  const condition = { type: 'Ready', status, reason, message, lastTransitionTime: '' };
  const conditions = [{ ...condition, observedGeneration: base.metadata.generation }];
  return { ...base, metadata: { ...base.metadata, name }, status: { readyReplicas: 2, conditions } } as Website;
}

const sites = (count: number, reason: string, message = ''): Website[] =>
  Array.from({ length: count }, (_, index) => site(`site-${index}`, reason, message));

it('A few Websites are a line each, and later only those that changed', () => {
  const changes = new Map<string, Change>();
  const reports = new Reports({ of: ({ name }) => changes.get(name) });
  changes.set('one', { what: 'create Deployment +2, 25 ms', at: at(0) });
  const first = reports.lines([site('one', 'Available'), site('two', 'Progressing', '1 of 2')], at(1));
  expect(first.map(cellsOf)).toEqual([
    ['TIME', 'WEBSITE', 'READY', 'PODS', 'LAST CHANGE', 'MESSAGE'],
    ['12:00:01', 'team-a/one', '✔ Available', '2/2', 'create Deployment +2, 25 ms'],
    ['12:00:01', 'team-a/two', '◌ Progressing', '2/2', '-', '1 of 2'],
  ]);
  expect(reports.lines([site('one', 'Available'), site('two', 'Progressing', '1 of 2')], at(2))).toEqual([]);
  changes.set('two', { what: 'update Deployment, 9 ms', at: at(3) });
  expect(reports.lines([site('one', 'Available'), site('two', 'Available')], at(3)).map(cellsOf)).toEqual([
    ['12:00:03', 'team-a/two', '✔ Available', '2/2', 'update Deployment, 9 ms'],
  ]);
});

it('A deleted Website is a line too, and may come back', () => {
  const reports = new Reports(NO_CHANGES);
  reports.lines([site('one', 'Available')], at(1));
  expect(reports.lines([], at(2)).map(cellsOf)).toEqual([['12:00:02', 'team-a/one', '– Deleted']]);
  expect(reports.lines([], at(3))).toEqual([]);
  expect(reports.lines([site('one', 'Available')], at(4)).map(cellsOf)).toEqual([
    ['12:00:04', 'team-a/one', '✔ Available', '2/2', '-'],
  ]);
});

it('Many changes at once are one line that counts the states', () => {
  const reports = new Reports(NO_CHANGES);
  expect(reports.lines(sites(1000, 'Available'), at(0))).toEqual([
    '  12:00:00  1000 Websites, 1000 of them changed: 1000 ✔ Available',
  ]);
  const outage = [...sites(997, 'Progressing', '0 of 2'), ...sites(1000, 'Available').slice(997)];
  expect(reports.lines(outage, at(20))).toEqual([
    '  12:00:20  1000 Websites, 997 of them changed: 997 ◌ Progressing, 3 ✔ Available',
  ]);
  expect(reports.lines([], at(40))).toEqual(['  12:00:40  0 Websites, 1000 of them deleted']);
});

it('An outage in which each Website changes all the time leads to a limited number of lines, and its end is reported', () => {
  const reports = new Reports(NO_CHANGES);
  const lines = reports.lines(sites(1000, 'Available'), at(0));
  for (let second = 1; second <= 600; second++)
    lines.push(...reports.lines(sites(1000, 'Progressing', `waited ${second} s`), at(second)));
  expect(lines.length).toBeGreaterThan(50);
  expect(lines.length).toBeLessThan(70);
  const recovered = [601, 610, 620].flatMap((second) => reports.lines(sites(1000, 'Available'), at(second)));
  expect(recovered).toHaveLength(1);
  expect(recovered[0]).toContain('1000 of them changed: 1000 ✔ Available');
});

it('Changes that trickle in are lines of their own at first, and then they are counted', () => {
  const reports = new Reports(NO_CHANGES);
  const websites = sites(500, 'Available');
  const lines = reports.lines(websites, at(0));
  for (let index = 0; index < 500; index++) {
    websites[index] = site(`site-${index}`, 'Progressing');
    lines.push(...reports.lines(websites, at(index)));
  }
  expect(cellsOf(lines[2])).toEqual(['12:00:00', 'team-a/site-0', '◌ Progressing', '2/2', '-']);
  expect(lines.length).toBeLessThan(200);
  expect(lines.some((line) => line.includes('of them changed'))).toBe(true);
  const rest = [510, 520].flatMap((second) => reports.lines(websites, at(second)));
  expect([...lines, ...rest].at(-1)).toMatch(/site-499|500 ◌ Progressing/);
});

it('A long message is cut, and cannot control the terminal', () => {
  const [, line = ''] = new Reports(NO_CHANGES).lines([site('one', 'Failed', `\u001B[2J${'x'.repeat(5000)}`)], at(0));
  expect(line).not.toContain('\u001B[2J');
  expect(line.length).toBeLessThan(600);
});

it('If there has been no Website yet, a line says once how to create one', () => {
  const reports = new Reports(NO_CHANGES);
  expect(reports.lines([], at(0))).toEqual([expect.stringContaining('kubectl apply -f crds/samples/minimal.yaml')]);
  expect(reports.lines([], at(1))).toEqual([]);
});
