import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { burstCounter } from '../functions/memory.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('A burst ends a minute after its last change, and is reported once', () => {
  const over = vi.fn<() => void>();
  const { changed } = burstCounter(over);
  for (let index = 0; index < 50; index++) {
    changed();
    changed();
    vi.advanceTimersByTime(9_000);
  }
  expect(over).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(over).toHaveBeenCalledTimes(1);
});

it('Changes that come rarely are no burst, however many there are', () => {
  const over = vi.fn<() => void>();
  const { changed } = burstCounter(over);
  for (let index = 0; index < 500; index++) {
    changed();
    vi.advanceTimersByTime(20_000);
  }
  expect(over).not.toHaveBeenCalled();
});

it('Work that is a burst of its own counts as one', () => {
  const over = vi.fn<() => void>();
  const { changed, burst } = burstCounter(over);
  burst();
  vi.advanceTimersByTime(9_000);
  changed();
  vi.advanceTimersByTime(9_000);
  expect(over).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(over).toHaveBeenCalledTimes(1);
});
