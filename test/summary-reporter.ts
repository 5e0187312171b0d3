import type { Reporter, SerializedError, TestModule } from 'vitest/node';
import { failure, summary } from './summary.ts';

/** A log that keeps only its end keeps these. */
const MOST_LINES = 30;

/** Ends the output with a plain line for each failed test, and one with the counts: `12 passed, 0 failed`. */
class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, skipped: 0, pending: 0, failed: 0 };
    const failures = unhandled.map(({ message }) => failure('', '', message));
    for (const module of modules) {
      const file = `${module.project.name} ${module.relativeModuleId}`;
      for (const suite of [module, ...module.children.allSuites()])
        for (const { message } of suite.errors())
          failures.push(failure(file, suite.type === 'suite' ? suite.fullName : '', message));
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        counts[state]++;
        if (state === 'failed') failures.push(failure(file, test.fullName, errors[0]?.message ?? ''));
      }
    }
    counts.failed = failures.length;
    const lines = [
      `SEED=${process.env['SEED']} repeats the samples`,
      ...failures.slice(0, MOST_LINES),
      summary(counts),
    ];
    // After the default reporter's own last lines.
    process.once('exit', () => process.stdout.write(`\n${lines.join('\n')}\n`));
  }
}

export { SummaryReporter as default };
