import { defineConfig } from 'vitest/config';

const REAL = 'test/**/*.{apiserver,e2e}.test.ts';
const HOSTS = 'test/hosts/**/*.test.ts';
/** What ships is what is tested: every program that a test starts is the bundle. */
const built = 'test/built.ts';
/** Boots one control plane for all the projects that name it. */
const controlPlane = [built, 'test/control-plane.ts'];

export default defineConfig({
  test: {
    reporters: ['default', './test/summary-reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      include: ['functions/website/**'],
      thresholds: { branches: 90 },
    },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: [REAL, HOSTS], globalSetup: built },
      },
      {
        extends: true,
        test: {
          name: 'apiserver',
          include: ['test/**/*.apiserver.test.ts'],
          globalSetup: [...controlPlane, 'test/tools.ts'],
        },
      },
      // What follows acts on every Website there is, so it runs after what looks at its own alone.
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
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
