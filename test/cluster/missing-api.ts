import { expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import type { Child } from '../../functions/website/children/kinds.ts';
import type { Website, WebsiteKey } from '../../functions/website/resource.ts';
import { desiredChild } from '../fixtures/children.ts';
import { SPEC } from '../fixtures/websites.ts';

/** A cluster with the Gateway API, and a way to uninstall it. */
export interface Uninstallable {
  readonly cluster: Cluster;
  readonly namespace: string;
  readonly createWebsite: (key: WebsiteKey, spec: unknown) => Promise<Website>;
  readonly uninstall: () => Promise<void>;
}

/** How every implementation of the port behaves after an optional API was uninstalled. */
export function itReadsAMissingApi(make: () => Promise<Uninstallable>): void {
  it('reads a missing API as one without objects, and refuses to create one', async () => {
    const { cluster, namespace, createWebsite, uninstall } = await make();
    const key = { namespace, name: 'shop' };
    const website = await createWebsite(key, { ...SPEC, host: 'a.example.com', gateway: { name: 'public' } });
    const wanted = desiredChild('HTTPRoute', website);
    const route = await cluster.create(wanted);
    await uninstall();
    expect(await cluster.getChild('HTTPRoute', key)).toBeUndefined();
    expect(await listed(cluster)).toEqual([]);
    const refused = (code: string) => expect.objectContaining({ name: 'ClusterError', code }) as Error;
    await expect(cluster.create(wanted)).rejects.toEqual(refused('MissingApi'));
    await expect(cluster.replace(route)).rejects.toEqual(refused('Conflict'));
    await expect(cluster.rehearse(route)).rejects.toEqual(refused('Conflict'));
    await expect(cluster.delete(route)).rejects.toEqual(refused('NotFound'));
  });
}

async function listed(cluster: Cluster): Promise<Child[]> {
  const found: Child[] = [];
  for await (const page of cluster.listChildren('HTTPRoute')) found.push(...page);
  return found;
}
