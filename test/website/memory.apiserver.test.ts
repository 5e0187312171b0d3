// Both programs with many Websites of 1.4 MB, which were stored before spec.env had a bound.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { writeKubeconfigFor } from '../../infra/local/programs/kubeconfig.ts';
import { eventually } from '../eventually.ts';
import { startOwnCluster, type OwnCluster } from '../faults/own-cluster.ts';
import { COMPILES_ALL, pidOf, startForwarder, startFunctions, type Program } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { specOf, withoutBound } from './large.ts';
import { desired } from '../../functions/website/plan/desired.ts';
import { websiteSpec } from '../../functions/website/resource.ts';

const COUNT = 60;
const SIZE = 1_400_000;
const MIB = 1024 * 1024;

let own: OwnCluster;
let namespace: string;
let functions: Program;
let url: URL;
let forwarder: Program | undefined;
const key = (name: string): WebsiteKey => ({ namespace, name });

beforeAll(async () => {
  own = await startOwnCluster({ controllers: 'off' });
  const { admin, kubeconfig, forwarderKubeconfig } = own;
  namespace = await createNamespace(admin, 'heavy');
  await withoutBound(admin, namespace, async () => {
    for (let index = 0; index < COUNT; index++) await createWithDeployment(`heavy-${index}`);
  });
  await createWebsite(admin, key('small'), { image: 'nginx:1', replicas: 0 });
  const path = join(forwarderKubeconfig, '..', 'website-functions.kubeconfig');
  await writeKubeconfigFor('website-functions', { transport: admin, address: { kubeconfig }, path });
  functions = startFunctions({ ...COMPILES_ALL, KUBECONFIG: path, RESYNC_INTERVAL_SECONDS: '0' });
  url = new URL(String((await functions.line('Listening'))['url']));
}, 300_000);
afterAll(async () => {
  await forwarder?.stop();
  await functions.stop();
  await own.stop();
}, 60_000);

/** Websites as an earlier release left them: the Deployment has a copy of the variables. */
async function createWithDeployment(name: string): Promise<void> {
  const { env, ...spec } = specOf(SIZE);
  const website = await createWebsite(own.admin, key(name), { ...spec, env });
  // The present schema would refuse the variables.
  const { Deployment: deployment } = desired(website, { ...websiteSpec.parse(spec), env });
  if (deployment !== undefined) await kubernetes(own.admin).create(deployment);
}

/** The memory limit of a program's container, in bytes. */
function limitOf(program: 'functions' | 'forwarder'): number {
  const text = readFileSync(`infra/kubernetes/${program}/deployment.yaml`, 'utf8');
  const deployment = parseAllDocuments(text).find((document) => document.get('kind') === 'Deployment');
  const path = ['spec', 'template', 'spec', 'containers', 0, 'resources', 'limits', 'memory'];
  return Number(/^(\d+)Mi$/.exec(String(deployment?.getIn(path)))?.[1]) * MIB;
}

/** The peak memory of a program, in bytes. */
function peakOf(program: Program): number {
  const status = readFileSync(`/proc/${pidOf(program)}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

it('The functions resync large Websites within the memory limit of their manifest', { timeout: 240_000 }, async () => {
  const response = await fetch(new URL('resync', url), { method: 'POST' });
  expect([response.status, response.headers.get('website-resync')]).toEqual([
    204,
    `seen=${COUNT + 1}, differing=${COUNT + 1}, repaired=1, stalled=${COUNT}, failed=0, unreached=0, unfinished=0`,
  ]);
  expect(peakOf(functions)).toBeLessThan(limitOf('functions'));
});

it(
  'The forwarder lists large Websites and delivers an event for each, within the memory limits of both programs',
  { timeout: 240_000 },
  async () => {
    const args = ['--host', '127.0.0.1', '--port', '0', '--cluster', 'heavy'];
    const { forwarderKubeconfig } = own;
    forwarder = startForwarder(args, { ...COMPILES_ALL, KUBECONFIG: forwarderKubeconfig, SINK: url.href });
    const { lines } = forwarder;
    const delivered = () => new Set(lines.filter(({ msg }) => msg === 'Delivered event').map(({ name }) => name));
    await eventually(() => expect(delivered().size).toBeGreaterThanOrEqual(COUNT), { deadlineMs: 200_000 });
    expect(peakOf(forwarder)).toBeLessThan(limitOf('forwarder'));
    expect(peakOf(functions)).toBeLessThan(limitOf('functions'));
  },
);
