import { expect, it } from 'vitest';
import { lastLines } from '../../../infra/local/processes/last-lines.ts';

it('The end of a log is its last 12 lines', () => {
  const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
  expect(lastLines(`${lines.join('\n')}\n`).split('\n')).toEqual(lines.slice(-12));
});

it('Log lines in JSON are shown as text', () => {
  expect(lastLines('{"level":"fatal","msg":"discovery failed","error":"mkdir: no space left on device"}\n')).toBe(
    'discovery failed: mkdir: no space left on device',
  );
});

it('Log lines of our programs are shown with their time and their Website', () => {
  const time = new Date(2026, 0, 1, 9, 5, 7).getTime();
  const line = { level: 30, time, namespace: 'team-a', name: 'shop', msg: 'Delivered event' };
  expect(lastLines(`${JSON.stringify(line)}\n`)).toBe('09:05:07 Delivered event team-a/shop');
});

it('A panic is shown by its reason, without the stacks', () => {
  const stacks = 'goroutine 1 [running]:\nmain.main()\n\t/main.go:1 +0x1\n'.repeat(10);
  expect(lastLines(`starting\npanic: no space left on device\n\n${stacks}`)).toBe(
    'starting\npanic: no space left on device',
  );
});
