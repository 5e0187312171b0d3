import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { seedOf } from './test/seed.ts';

const REAL = 'test/**/*.{apiserver,e2e}.test.ts';
const HOSTS = 'test/hosts/**/*.test.ts';
const PROGRAMS = 'test/**/*.program.test.ts';
/** The first takes as long as all unit tests. The others replace modules, which the unit tests share. */
const ALONE = [
  'test/website/interleavings.test.ts',
  'test/events/mixed-releases.test.ts',
  'test/forwarder/sink/sink-name.test.ts',
];
/** `npm run quick` leaves these out, because each takes seconds. */
const SLOW = 'test/{website/{crash,policies,properties,schema-effect},resync/resync,cli/plan/planned}.test.ts';
/** What ships is what is tested: every program that a test starts is the bundle. */
const built = 'test/built.ts';
/** Boots one control plane for all the projects that name it. */
const controlPlane = [built, 'test/control-plane.ts'];

export default defineConfig(({ mode }) => ({
  test: {
    reporters: ['default', './test/summary-reporter.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Most tests wait for other programs most of the time.
    maxWorkers: Math.max(3, availableParallelism()),
    // The files that a worker runs share the libraries that they load. Loading them takes a second of CPU time.
    isolate: false,
    provide: { seed: seedOf(process.env), effort: mode === 'exhaustive' || mode === 'quick' ? mode : 'full' },
    coverage: {
      provider: 'v8',
      include: ['functions/website/**'],
      thresholds: { branches: 90 },
    },
    projects: [
      // Needs neither a build nor another program, so that it runs on a fresh clone.
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [REAL, HOSTS, PROGRAMS, ...ALONE, ...(mode === 'quick' ? [SLOW] : [])],
        },
      },
      {
        extends: true,
        test: { name: 'alone', include: ALONE, isolate: true },
      },
      {
        extends: true,
        test: { name: 'programs', include: [PROGRAMS], globalSetup: built },
      },
      {
        extends: true,
        test: {
          name: 'apiserver',
          include: ['test/**/*.apiserver.test.ts'],
          globalSetup: [...controlPlane, 'test/tools.ts'],
        },
      },
      // What follows acts on every Website there is, so it runs after what looks at its own alone, or with another control plane.
      {
        extends: true,
        test: {
          name: 'hosts',
          include: [HOSTS],
          globalSetup: controlPlane,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          globalSetup: controlPlane,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
}));
