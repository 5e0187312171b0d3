// An API server with too little CPU time, in a control plane of its own. Retries must not overload it further.
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { startForwarder, startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { startOwnCluster, type OwnCluster } from './own-cluster.ts';
import { websitesIn } from './stage.ts';
import { starve } from './starve.ts';

const WEBSITES = 40;
/** The API server runs 4 ms of every 100 ms. At 88 ms even impatient clients get on; at 96 ms they come to a standstill. */
const STARVATION = { stoppedMs: 96, everyMs: 100, longestMs: 300_000 };
/** A bound for a machine that is busy itself. */
const LONG = { deadlineMs: 300_000, everyMs: 2_000 };

let cluster: OwnCluster;
let programs: Program[];
let feed: () => void;

beforeEach(async () => {
  cluster = await startOwnCluster();
  [programs, feed] = [[], () => {}];
});
afterEach(async () => {
  feed();
  await Promise.all(programs.map((program) => program.stop()));
  await cluster.stop();
});

async function running(program: Program): Promise<string> {
  programs.push(program);
  return String((await program.line('Listening'))['url']);
}

interface Audited {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: { readonly resource: string; readonly namespace?: string };
  readonly responseStatus?: { readonly code: number };
}
/** The answers to requests of our programs, by code. */
function answers(isCounted: (line: Audited) => boolean): Record<string, number> {
  const lines = readFileSync(cluster.auditLog, 'utf8').split('\n').slice(0, -1);
  const counts: Record<string, number> = {};
  for (const line of lines.map((text) => JSON.parse(text) as Audited)) {
    if (!line.user.username.includes(':website-reconciler:website-') || !isCounted(line)) continue;
    const code = String(line.responseStatus?.code);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

it(
  'The programs create all children, with few wasted requests, on an API server with too little CPU time',
  { timeout: 700_000 },
  async () => {
    const { admin } = cluster;
    const namespace = await createNamespace(admin, 'starved');
    const sink = await running(
      startFunctions({ KUBECONFIG: cluster.functionsKubeconfig, RESYNC_INTERVAL_SECONDS: '0' }),
    );
    const flags = ['--sink', sink, '--host', '127.0.0.1', '--port', '0', '--lease', 'starved'];
    const names = Array.from({ length: WEBSITES }, (_, index) => `site-${index}`);
    await Promise.all(
      names.map((name) => createWebsite(admin, { namespace, name }, { image: 'nginx:1', replicas: 0 })),
    );

    feed = starve(cluster.pids.get('kube-apiserver') ?? NaN, STARVATION);
    for (const _ of ['leader', 'standby'])
      await running(startForwarder(flags, { KUBECONFIG: cluster.forwarderKubeconfig }));
    const services = `/api/v1/namespaces/${namespace}/services`;
    await eventually(async () => {
      const list = (await admin.json({ method: 'GET', path: services, what: 'list services' })) as { items: unknown[] };
      expect(list.items).toHaveLength(WEBSITES);
    }, LONG);
    feed();
    await eventually(async () => {
      for (const { status } of await websitesIn(admin, namespace)) expect(status?.observedGeneration).toBe(1);
    });

    const creations = answers(({ verb, objectRef }) => verb === 'create' && objectRef?.resource === 'services');
    // Wasted work of the API server. A request answered with 504 may still have taken effect.
    expect(creations['504'] ?? 0).toBeLessThanOrEqual(WEBSITES / 10);
    const all = answers(() => true);
    expect(all['504'] ?? 0).toBeLessThan((all['200'] ?? 0) / 10);
    // The leader keeps the Lease.
    const leading = programs.flatMap(({ lines }) => lines.filter(({ msg }) => msg === 'Leading'));
    expect(leading).toHaveLength(1);
  },
);
