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

const zap = (level: string, msg: string, error?: string) => JSON.stringify({ level, msg, error });

it('If a log has errors, its warnings are left out', () => {
  const noise = [zap('warn', 'This is not recommended'), zap('info', 'starting')];
  const log = [...noise, zap('error', 'bootstrap failed', 'bad wal'), ...noise, zap('fatal', 'discovery failed')];
  expect(lastLines(log.join('\n'))).toBe('bootstrap failed: bad wal\ndiscovery failed');
});

it('The levels of pino and of Kubernetes count too, and plain text stays', () => {
  const log = [
    '{"level":30,"msg":"Listening"}',
    '{"level":60,"msg":"Could not start"}',
    'I1130 00:49:26.337768       1 server.go:1] Version: v1',
    'E1130 00:49:26.337768       1 run.go:72] "command failed"',
    'panic: no',
  ];
  expect(lastLines(log.join('\n')).split('\n')).toEqual(['Could not start', ...log.slice(3)]);
});

it('Without errors, the last lines are shown, each of them once', () => {
  const log = [zap('warn', 'This is not recommended'), zap('info', 'starting'), zap('warn', 'This is not recommended')];
  expect(lastLines(log.join('\n'))).toBe('This is not recommended\nstarting');
});

it('An error long before the end is not why the program ended', () => {
  const log = [zap('error', 'old'), ...Array.from({ length: 60 }, (_, index) => zap('info', `line ${index}`))];
  expect(lastLines(log.join('\n'))).not.toContain('old');
  expect(lastLines(log.join('\n'))).toContain('line 59');
});

it('Lines that a program left out are shown with their cause and their number', () => {
  const log = [
    { level: 40, msg: 'Refused caller', why: 'no token', leftOut: 1 },
    { level: 40, msg: 'Left out lines', line: 'Refused caller', problem: 'no token', leftOut: 480 },
  ];
  expect(lastLines(log.map((line) => JSON.stringify(line)).join('\n')).split('\n')).toEqual([
    'Refused caller: no token (1 line left out)',
    'Refused caller: no token (480 lines left out)',
  ]);
});
