import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findRunning, noteRunning } from '../../infra/local/running.ts';

let cache: string;
let kubeconfig: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'running-'));
  kubeconfig = join(cache, 'admin.kubeconfig');
  writeFileSync(kubeconfig, '');
});
afterEach(() => rmSync(cache, { recursive: true }));

it('The cluster of an npm start is found while it runs', () => {
  expect(findRunning(cache)).toBeUndefined();
  const note = noteRunning(cache, { kubeconfig, context: 'mine' });
  expect(findRunning(cache)).toEqual({ kubeconfig, context: 'mine' });
  rmSync(note ?? '');
  expect(findRunning(cache)).toBeUndefined();
});

it('What a killed process left is not taken for one that runs', () => {
  mkdirSync(join(cache, 'running'));
  // Above the largest process id that Linux and macOS give out.
  writeFileSync(join(cache, 'running', String(2 ** 30)), JSON.stringify({ kubeconfig }));
  expect(findRunning(cache)).toBeUndefined();
});

it('The newest of several counts, if its kubeconfig exists', () => {
  noteRunning(cache, { kubeconfig });
  const parent = join(cache, 'running', String(process.ppid));
  writeFileSync(parent, JSON.stringify({ kubeconfig, context: 'newer' }));
  utimesSync(parent, new Date(), new Date(Date.now() + 60_000));
  expect(findRunning(cache)?.context).toBe('newer');
  writeFileSync(parent, JSON.stringify({ kubeconfig: '/nowhere' }));
  expect(findRunning(cache)?.context).toBeUndefined();
  writeFileSync(parent, '{');
  expect(findRunning(cache)?.kubeconfig).toBe(kubeconfig);
});

it('A cache that cannot be written is no error', () => {
  expect(noteRunning('/dev/null', { kubeconfig })).toBeUndefined();
});
