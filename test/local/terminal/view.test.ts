import { expect, it } from 'vitest';
import type { Website } from '../../../functions/website/resource.ts';
import { websiteLines, type View } from '../../../infra/local/terminal/view.ts';
import { aWebsite } from '../../fixtures/websites.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const secondsAgo = (seconds: number) => new Date(NOW.getTime() - seconds * 1000);
const changes = { of: () => ({ what: 'update Deployment, 25 ms', at: secondsAgo(3) }) };
const NARROW: View = { changes: { of: () => undefined }, columns: 80, now: NOW };

function withReady(status: string, reason: string, message: string, more: object[] = []): Website {
  const base = aWebsite({});
  const times = { lastTransitionTime: '', observedGeneration: base.metadata.generation };
  const conditions = [{ type: 'Ready', status, reason, message, ...times }, ...more];
  const metadata = { ...base.metadata, creationTimestamp: secondsAgo(300).toISOString() };
  return { ...base, metadata, status: { readyReplicas: 2, conditions } } as unknown as Website;
}
const cellsOf = (line = '') => line.trim().split(/ {2,}/);

it('A Website is one line: state, Pods, age and last change', () => {
  const [header, line, ...rest] = websiteLines([withReady('True', 'Available', 'All is well')], { ...NARROW, changes });
  expect(cellsOf(header)).toEqual(['WEBSITE', 'READY', 'PODS', 'AGE', 'LAST CHANGE']);
  expect(cellsOf(line)).toEqual(['team-a/shop', '✔ Available', '2/2', '5m', '3s ago: update Deployment, 25 ms']);
  expect(rest).toEqual([]);
});

it.each([
  [
    'is stalled',
    withReady('False', 'Rejected', 'not here', [{ type: 'Stalled', status: 'True' }]),
    '✗ Rejected',
    'not here',
  ],
  ['is progressing', withReady('False', 'Progressing', '1 of 2'), '◌ Progressing', '1 of 2'],
])('A Website that %s has its message below the line or in a column', (_, website, ready, message) => {
  const lines = websiteLines([website], NARROW);
  expect(cellsOf(lines[1])[1]).toBe(ready);
  expect(lines.slice(2)).toEqual([`    ${message}`]);
  const wide = websiteLines([website], { ...NARROW, columns: 160 });
  expect(cellsOf(wide[0]).at(-1)).toBe('MESSAGE');
  expect(cellsOf(wide[1]).at(-1)).toBe(message);
});

it('A suspended Website has its own symbol and no message', () => {
  const lines = websiteLines([withReady('Unknown', 'Suspended', 'Suspended')], NARROW);
  expect(cellsOf(lines[1])[1]).toBe('– Suspended');
  expect(lines).toHaveLength(2);
});

it('A status about an older spec is marked as such', () => {
  const website = withReady('True', 'Available', '');
  const edited = { ...website, metadata: { ...website.metadata, generation: 9 } };
  const lines = websiteLines([edited], NARROW);
  expect(cellsOf(lines[1])[1]).toBe('◌ Available');
  expect(lines[2]).toContain('have not reported on the last change');
});

it('An error that keeps the functions from reconciling the newest spec is shown in place of an older state', () => {
  const failure = { type: 'Reconciling', status: 'True', reason: 'InternalError', message: 'no webhook' };
  const website = withReady('True', 'Available', '', [{ ...failure, observedGeneration: 9 }]);
  const edited = { ...website, metadata: { ...website.metadata, generation: 9 } };
  const lines = websiteLines([edited], NARROW);
  expect(cellsOf(lines[1])[1]).toBe('◌ InternalError');
  expect(lines[2]).toContain('no webhook');
});

it('An error that holds up a rollout is shown in place of its progress', () => {
  const failure = { type: 'Reconciling', status: 'True', reason: 'InternalError', message: 'no webhook' };
  const website = withReady('False', 'Progressing', 'Waiting for the Deployment controller');
  const conditions = [...(website.status?.conditions ?? []), { ...website.status?.conditions?.[0], ...failure }];
  const lines = websiteLines([{ ...website, status: { ...website.status, conditions } } as typeof website], NARROW);
  expect(cellsOf(lines[1])[1]).toBe('◌ InternalError');
  expect(lines.slice(2)).toEqual(['    no webhook']);
});

it('The number of replicas that the Deployment is set to is shown', () => {
  const website = withReady('True', 'Available', '');
  const line = websiteLines([{ ...website, status: { ...website.status, replicasSet: 4 } }], NARROW)[1];
  expect(line).toContain('2/4');
});

it('A Website without a status is shown too', () => {
  const lines = websiteLines([aWebsite({ spec: undefined })], NARROW);
  expect(cellsOf(lines[1]).slice(0, 3)).toEqual(['team-a/shop', '◌ Unknown', '0/?']);
  expect(lines[2]).toContain('have not reported yet');
});

it('No line is wider than the terminal, and a long message takes a limited number of lines', () => {
  const website = withReady('False', 'Progressing', 'x'.repeat(1000));
  const lines = websiteLines([website], { ...NARROW, columns: 30, changes });
  expect(lines.map(({ length }) => length)).toEqual([30, 30, 30, 30, 30]);
});

it('A message breaks between words', () => {
  const website = withReady('False', 'Progressing', 'Delete or rename it');
  expect(websiteLines([website], { ...NARROW, columns: 20 }).slice(2)).toEqual(['    Delete or rename', '    it']);
});

it('A long name is shortened, so that the last change of every Website fits', () => {
  const [long, short] = ['a-site-with-a-rather-long-name-indeed', 'shop'].map((name) => {
    const website = withReady('True', 'Available', '');
    return { ...website, metadata: { ...website.metadata, name } };
  }) as [Website, Website];
  const lines = websiteLines([long, short], { ...NARROW, changes });
  expect(lines.map(({ length }) => length <= 80)).toEqual([true, true, true]);
  expect(cellsOf(lines[1])).toEqual([
    expect.stringMatching(/^team-a\/a-.*….*-indeed$/),
    '✔ Available',
    '2/2',
    '5m',
    '3s ago: update Deployment, 25 ms',
  ]);
  expect(cellsOf(lines[2]).at(-1)).toBe('3s ago: update Deployment, 25 ms');
  const wide = websiteLines([long, short], { ...NARROW, changes, columns: 160 });
  expect(cellsOf(wide[1])[0]).toBe('team-a/a-site-with-a-rather-long-name-indeed');
});

it('A table without Websites shows how to create one', () => {
  expect(websiteLines([], NARROW)).toEqual([expect.stringContaining('kubectl apply -f crds/samples/minimal.yaml')]);
});
