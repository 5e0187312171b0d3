import type { Reporter, TestModule } from 'vitest/node';
import { summary } from './summary.ts';

/** Ends the output with one plain line, for programs: `12 passed, 0 failed`. */
class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const test of module.children.allTests()) counts[test.result().state]++;
    }
    // After the default reporter's own last lines.
    process.once('exit', () =>
      process.stdout.write(`\nSEED=${process.env['SEED']} repeats the samples\n${summary(counts)}\n`),
    );
  }
}

export { SummaryReporter as default };
