import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { VERSION } from '../../functions/version.ts';
import { resyncFinding, type ResyncJob } from '../../infra/cli/doctor/resync.ts';
import type { Running } from '../../infra/cli/doctor/statuses.ts';
import { versionsFinding } from '../../infra/cli/doctor/versions.ts';

it('The release of the programs is that of package.json and of the chart', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(VERSION).toBe(`v${version}`);
  expect(readFileSync('infra/kubernetes/Chart.yaml', 'utf8')).toContain(`appVersion: ${VERSION}\n`);
});

const MINUTE = 60_000;
const NOW = new Date('2026-01-02T12:00:00Z');
const ago = (minutes: number): string => new Date(NOW.getTime() - minutes * MINUTE).toISOString();

const running = (program: Running['program'], status: Running['status']): Running => ({
  program,
  where: `Pod ${program}`,
  isReady: true,
  status,
});
const forwarder = (version = VERSION) => running('forwarder', { version, startedAt: ago(60) });
interface Resynced {
  readonly version?: string;
  readonly up?: number;
  readonly interval?: number;
  readonly last?: number;
}
const functions = ({ version = VERSION, up = 600, interval = 0, last }: Resynced = {}) =>
  running('functions', {
    version,
    startedAt: ago(up),
    resync: { intervalSeconds: interval, ...(last === undefined ? {} : { lastCompleteAt: ago(last) }) },
  });
const silent = running('functions', { missing: 'no answer' });

it.each<[string, readonly Running[], string, string]>([
  ['one release', [functions(), forwarder()], 'ok', `the functions ${VERSION}, the forwarder ${VERSION}, this program`],
  ['older functions', [functions({ version: 'v0.0.9' }), forwarder()], 'problem', 'the functions v0.0.9'],
  ['a newer forwarder', [functions(), forwarder('v9.0.0')], 'problem', 'the forwarder v9.0.0'],
  ['half a roll-out', [functions(), functions({ version: 'v9.0.0' }), forwarder()], 'problem', `${VERSION} and v9.0.0`],
  ['a release without /statusz', [running('functions', 'older'), forwarder()], 'problem', 'an older release'],
  ['functions elsewhere', [forwarder()], 'unknown', 'the version of the functions is not known'],
  ['functions that cannot be asked', [silent, forwarder()], 'unknown', 'the version of the functions is not known'],
])('Versions: %s', (_, programs, state, message) => {
  const found = versionsFinding(programs);
  expect([found.state, found.message]).toEqual([state, expect.stringContaining(message)]);
  expect(found.toDo === undefined).toBe(state === 'ok');
  if (state === 'problem')
    expect(found.toDo).toMatch(/CRD and the rights, the functions, the forwarder, and this program/);
});

const job = (schedule: string, last?: number, suspend = false): ResyncJob => ({
  spec: { schedule, suspend },
  ...(last === undefined ? {} : { status: { lastSuccessfulTime: ago(last) } }),
});

it.each<[string, readonly Running[], ResyncJob | undefined, string, string]>([
  ['of this process', [functions({ last: 4 })], undefined, 'ok', 'The last complete resync was 4m ago'],
  ['of one of two processes', [functions({ last: 90 }), functions({ last: 4 })], undefined, 'ok', '4m ago'],
  ['of a process that has ended, by its CronJob', [functions({ up: 3 })], job('*/10 * * * *', 8), 'ok', '8m ago'],
  ['of functions elsewhere, by the CronJob', [], job('*/10 * * * *', 8), 'ok', '8m ago'],
  ['too long ago for the interval', [functions({ interval: 600, last: 30 })], undefined, 'problem', '30m ago'],
  ['within a long interval', [functions({ interval: 7200, last: 200 })], undefined, 'ok', '3h ago'],
  ['too long ago for the schedule', [functions()], job('*/10 * * * *', 30), 'problem', '30m ago'],
  ['within a rare schedule', [functions()], job('0 3 * * *', 23 * 60), 'ok', '23h ago'],
  ['too long ago without a schedule', [functions({ last: 50 })], undefined, 'problem', '50m ago'],
  ['not since the start', [functions({ up: 3 })], undefined, 'unknown', 'since the functions started 3m ago'],
  ['not since a start long ago', [functions({ up: 50 })], undefined, 'problem', 'since the functions started 50m ago'],
  ['suspended', [functions({ last: 4 })], job('*/10 * * * *', 4, true), 'problem', 'is suspended'],
  ['suspended, and not needed', [functions({ interval: 600, last: 4 })], job('*/10 * * * *', 4, true), 'ok', '4m ago'],
  ['of functions that nobody sees', [silent, forwarder()], undefined, 'unknown', 'is not known'],
])('The last resync: %s', (_, programs, cronJob, state, message) => {
  const found = resyncFinding(programs, cronJob, NOW);
  expect([found.state, found.message]).toEqual([state, expect.stringContaining(message)]);
  expect(found.toDo === undefined).toBe(state === 'ok');
});
