// What both programs hold when nothing happens, as their images run them, with 1,000 Websites.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { residentMiB } from './bench/usage.ts';
import { eventually } from './eventually.ts';
import { startFleetServer, type FleetServer } from './fixtures/fleet-server.ts';
import { COMPILES_ALL, pidOf, startForwarder, startFunctions, type Program } from './program.ts';

const WEBSITES = 1_000;
/** Memory is returned after ten quiet seconds. A busy machine takes longer. */
const PATIENCE = { deadlineMs: 60_000, everyMs: 500 };

let server: FleetServer;
let folder: string;
let kubeconfig: string;
beforeAll(async () => {
  server = await startFleetServer(WEBSITES);
  folder = mkdtempSync(join(tmpdir(), 'at-rest-'));
  kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

const heldBy = (program: Program): number => residentMiB(pidOf(program)).rss;

it('The forwarder holds less than 74 MiB after its lists', { timeout: 120_000 }, async () => {
  const args = ['--host', '127.0.0.1', '--port', '0'];
  const forwarder = startForwarder(args, { ...COMPILES_ALL, KUBECONFIG: kubeconfig, SINK: 'http://127.0.0.1:9/' });
  onTestFinished(async () => void (await forwarder.stop()));
  const readyz = new URL('readyz', String((await forwarder.line('Listening'))['url']));
  await eventually(async () => expect((await fetch(readyz)).status).toBe(200), PATIENCE);
  await eventually(() => expect(heldBy(forwarder)).toBeLessThan(74), PATIENCE);
});

it('The functions hold less than 86 MiB after two resyncs', { timeout: 180_000 }, async () => {
  const functions = startFunctions({ ...COMPILES_ALL, KUBECONFIG: kubeconfig, RESYNC_INTERVAL_SECONDS: '0' });
  onTestFinished(async () => void (await functions.stop()));
  const resync = new URL('resync', String((await functions.line('Listening'))['url']));
  for (const _ of [1, 2]) {
    const { headers } = await fetch(resync, { method: 'POST' });
    expect(headers.get('website-resync')).toMatch(/^seen=1000, differing=0,/);
  }
  expect(heldBy(functions)).toBeGreaterThan(86);
  await eventually(() => expect(heldBy(functions)).toBeLessThan(86), PATIENCE);
});
