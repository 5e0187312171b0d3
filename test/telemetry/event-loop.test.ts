import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EventLoopDelay } from '../../functions/telemetry/event-loop.ts';

let delays: number[];
let eventLoop: EventLoopDelay;
beforeEach(() => {
  vi.useFakeTimers();
  delays = [];
  eventLoop = new EventLoopDelay((seconds) => delays.push(seconds));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it('The delay is the time by which a timer ran late', () => {
  eventLoop.begin();
  const due = performance.now() + 20;
  vi.spyOn(performance, 'now').mockReturnValueOnce(due + 35);
  vi.advanceTimersByTime(20);
  expect(delays).toEqual([0.035]);
});

it('A timer that ran a little early counts as on time', () => {
  eventLoop.begin();
  vi.spyOn(performance, 'now').mockReturnValueOnce(performance.now() + 19.4);
  vi.advanceTimersByTime(20);
  expect(delays).toEqual([0]);
});

it('The delay is sampled by one timer while any work goes on, and by none at rest', () => {
  expect(vi.getTimerCount()).toBe(0);
  const [endOne, endOther] = [eventLoop.begin(), eventLoop.begin()];
  expect(vi.getTimerCount()).toBe(1);
  endOne();
  vi.advanceTimersByTime(100);
  expect(delays).toHaveLength(5);
  endOther();
  vi.advanceTimersByTime(1000);
  expect(delays).toHaveLength(6);
  expect(vi.getTimerCount()).toBe(0);
  eventLoop.begin();
  vi.advanceTimersByTime(20);
  expect(delays).toHaveLength(7);
});
