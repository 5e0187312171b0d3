import { expect, it, onTestFinished } from 'vitest';
import { startCommand } from '../program.ts';

const LINES = 100;

it.each([
  ['ends', ''],
  ['exits at once', 'process.exit(0)'],
  ['throws an error', 'throw new Error("on purpose")'],
])('A process that %s writes its whole log first, in order', async (_, end) => {
  const source = `
    import { logOf } from './functions/telemetry/log.ts';
    const log = logOf('info');
    for (let line = 0; line < ${LINES}; line++) log.info({ line }, 'line');
    log.debug('not asked for');
    ${end}`;
  const program = startCommand([process.execPath, '--input-type=module', '--eval', source], {});
  await program.exit;
  expect(program.lines.map(({ line }) => line)).toEqual(Array.from({ length: LINES }, (__, line) => line));
});

it('The first line is written at once, because somebody may wait for it', async () => {
  const source = `
    import { logOf } from './functions/telemetry/log.ts';
    // Nothing that waits for a time is written.
    globalThis.setTimeout = () => {};
    setInterval(() => {}, 60_000);
    logOf('info').info('first');`;
  const program = startCommand([process.execPath, '--input-type=module', '--eval', source], {});
  onTestFinished(() => void program.process.kill());
  expect(await program.line('first')).toBeDefined();
});
