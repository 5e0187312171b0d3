import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
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

it('The cluster of npm start is found while it runs', () => {
  expect(findRunning(cache, undefined)).toBeUndefined();
  const note = noteRunning(cache, { kubeconfig, context: 'mine' });
  expect(findRunning(cache, undefined)).toEqual({ kubeconfig, context: 'mine' });
  rmSync(note ?? '');
  expect(findRunning(cache, undefined)).toBeUndefined();
});

it('The note also says where the programs answer', () => {
  const urls = { functionsUrl: 'http://127.0.0.1:1/', forwarderUrl: 'http://127.0.0.1:2/' };
  noteRunning(cache, { kubeconfig, ...urls });
  expect(findRunning(cache, undefined)).toEqual({ kubeconfig, ...urls });
});

it('The note of a killed npm start is ignored', () => {
  mkdirSync(join(cache, 'running'));
  // Above the largest process id of Linux and macOS.
  writeFileSync(join(cache, 'running', String(2 ** 30)), JSON.stringify({ kubeconfig }));
  expect(findRunning(cache, undefined)).toBeUndefined();
});

it('The user has to choose one of several running clusters whose kubeconfigs exist', () => {
  noteRunning(cache, { kubeconfig });
  const other = join(cache, 'other.kubeconfig');
  const parent = join(cache, 'running', String(process.ppid));
  writeFileSync(parent, JSON.stringify({ kubeconfig: other, context: 'staging' }));
  expect(findRunning(cache, undefined)).toEqual({ kubeconfig });
  writeFileSync(other, '');
  for (const chosen of [undefined, '', '/nowhere'])
    expect(() => findRunning(cache, chosen)).toThrow(
      /runs with 2 clusters: choose one[^]*export KUBECONFIG=.*other\.kubeconfig {3}# context staging$/m,
    );
  expect(findRunning(cache, kubeconfig)).toEqual({ kubeconfig });
  expect(findRunning(cache, relative('', other))?.context).toBe('staging');
  writeFileSync(parent, '{');
  expect(findRunning(cache, undefined)?.kubeconfig).toBe(kubeconfig);
});

it('Two notes about the same cluster need no choice', () => {
  noteRunning(cache, { kubeconfig });
  writeFileSync(join(cache, 'running', String(process.ppid)), JSON.stringify({ kubeconfig }));
  expect(findRunning(cache, undefined)).toEqual({ kubeconfig });
});

it('A cache that cannot be written causes no error', () => {
  expect(noteRunning('/dev/null', { kubeconfig })).toBeUndefined();
});
