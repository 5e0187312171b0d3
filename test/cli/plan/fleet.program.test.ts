// A plan of all Websites makes only list requests.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PLURAL } from '../../../functions/website/resource.ts';
import { startFleetServer } from '../../fixtures/fleet-server.ts';
import { COMPILES_ALL } from '../../program.ts';
import { website } from '../cli.ts';

const MOST_OBJECTS = 500;
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'website-fleet-'))));
afterAll(() => rmSync(folder, { recursive: true }));

/** Has the program print its peak memory in MB when it ends. */
const SAY_PEAK = `data:text/javascript,${encodeURIComponent(
  'process.once("exit", () => console.error(`peak ${process.resourceUsage().maxRSS / 1024}`))',
)}`;

it('website plan --all reads only lists, in pages of 500 after a small first one, in less than 300 MB', async () => {
  const websites = 10_000;
  const server = await startFleetServer(websites);
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, server.kubeconfig);
  const variables = { ...COMPILES_ALL, KUBECONFIG: kubeconfig, NODE_OPTIONS: `--import=${SAY_PEAK}` };
  const { code, out, error } = await website(['plan', '--all'], variables);
  server.close();
  expect([code, out]).toEqual([0, `0 of ${websites} Websites would change. Pods would be replaced in 0.\n`]);
  expect(server.others).toEqual([]);
  const most = 1 + Math.ceil(websites / MOST_OBJECTS);
  expect(server.pages.get(PLURAL)).toBeGreaterThan(1);
  for (const [plural, pages] of server.pages) expect([plural, pages <= most]).toEqual([plural, true]);
  expect(Number(/peak ([\d.]+)/.exec(error)?.[1])).toBeLessThan(300);
});
