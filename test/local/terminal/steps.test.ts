import { expect, it } from 'vitest';
import { Steps } from '../../../infra/local/terminal/steps.ts';
import { eventually } from '../../eventually.ts';
import { RememberingScreen } from './a-screen.ts';

it('A finished step shows a tick, its name and its duration', async () => {
  const screen = new RememberingScreen('plain');
  expect(await new Steps(screen).step('Control plane', Promise.resolve(7))).toBe(7);
  expect(screen.printed).toEqual([expect.stringMatching(/^✔ Control plane +\d+\.\d s$/)]);
});

it('A failed step shows a cross, and its error is passed on', async () => {
  const screen = new RememberingScreen('live');
  await expect(new Steps(screen).step('Control plane', Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(screen.printed).toEqual([expect.stringMatching(/^✗ Control plane/)]);
});

it('The running step shows an animation and the latest line of progress', async () => {
  const screen = new RememberingScreen('live');
  const steps = new Steps(screen);
  let end = () => {};
  const step = steps.step('Programs', new Promise<void>((resolve) => (end = resolve)));
  const frames = new Set<string>();
  steps.progress('Downloaded 1 MB', 'replaced');
  steps.progress('Downloaded 2 MB', 'replaced');
  await eventually(() => {
    const [line = '', ...rest] = screen.below;
    frames.add(line.charAt(0));
    expect(rest).toEqual(['  Downloaded 2 MB']);
    expect(frames.size).toBeGreaterThan(2);
  });
  end();
  await step;
  expect(screen.below).toEqual([]);
  expect(screen.printed).toHaveLength(1);
});

it('Without a live display, progress prints one line for each kind of work', () => {
  const screen = new RememberingScreen('plain');
  const steps = new Steps(screen);
  for (let seconds = 0; seconds < 130; seconds++) steps.progress(`Building etcd: ${seconds} s`, 'replaced');
  steps.progress('Building kwok: 0 s', 'replaced');
  expect(screen.printed).toEqual(['  Building etcd: 0 s', '  Building kwok: 0 s']);
});
