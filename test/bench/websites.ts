// Websites in numbers, made through the API server as users and the functions make them.
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { websiteSpec, type Website } from '../../functions/website/resource.ts';
import { statusOf } from '../../functions/website/status/status.ts';
import { eventually } from '../eventually.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { inParallel, observe, SPEC } from './measure.ts';
import type { Desired } from '../../functions/website/children/kind.ts';
import { CHILD_SELECTOR } from '../../functions/website/children/metadata.ts';
import type { Service } from '../../functions/website/children/service.ts';
import { desiredChild } from '../fixtures/children.ts';

const IN_A_NAMESPACE = 500;
/** The controllers look at each Deployment some time after the last was made. */
const PATIENCE = { deadlineMs: 1_200_000, everyMs: 50 };
const PARKED = { state: 'ready', reason: 'Parked', message: 'Parked at 0 replicas' } as const;

/** Creates Websites without a status. */
export async function createWebsites(transport: Transport, count: number): Promise<Website[]> {
  const namespaces = await inParallel(Math.ceil(count / IN_A_NAMESPACE), () => createNamespace(transport, 'bench'));
  return inParallel(count, (index) => {
    const namespace = namespaces[Math.floor(index / IN_A_NAMESPACE)] ?? '';
    return createWebsite(transport, { namespace, name: `site-${index}` }, SPEC);
  });
}

/** Gives Websites their children and their status, and waits until the controllers have no more to write. */
export async function settle(transport: Transport, websites: readonly Website[]): Promise<void> {
  const stop = new AbortController();
  const rolledOut = new Set<string>();
  const deployments = { name: 'deployments', prefix: '/apis/apps/v1', labelSelector: CHILD_SELECTOR };
  const watched = observe(transport, deployments, stop.signal, ({ metadata, status }) => {
    if (isRolledOut(status)) rolledOut.add(metadata.uid);
  });
  try {
    await inParallel(websites.length, async (index) => {
      const website = websites[index];
      if (website !== undefined) await settleOne(transport, website);
    });
    await eventually(() => {
      if (rolledOut.size < websites.length) throw new Error(`${rolledOut.size} Deployments are rolled out`);
    }, PATIENCE);
  } finally {
    stop.abort();
    await watched;
  }
}

async function settleOne(transport: Transport, website: Website): Promise<void> {
  const cluster = kubernetes(transport);
  const spec = websiteSpec.parse(website.spec);
  const [deployment, service] = [desiredChild('Deployment', website), desiredChild('Service', website)];
  await Promise.all([cluster.create(deployment), cluster.create(withoutAddress(service))]);
  const seen = { spec, wanted: {}, children: {}, remaining: { steps: [], obstacles: [] }, refusals: [] };
  await cluster.updateStatus({ ...website, status: statusOf(website, seen, PARKED, new Date()) });
}

/** An API server gives out cluster addresses one after another, and ever more slowly; what is measured does not care for them. */
export const withoutAddress = (service: Desired<Service>): Desired<Service> => ({
  ...service,
  spec: { ...service.spec, clusterIP: 'None' },
});

/** The last thing that the controller writes for a Deployment without Pods. */
function isRolledOut(status: unknown): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string; reason?: string }[] };
  return conditions.some(({ type, reason }) => type === 'Progressing' && reason === 'NewReplicaSetAvailable');
}
