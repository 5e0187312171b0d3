import { beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import type { Deployment } from '../../functions/website/children.ts';
import { desired } from '../../functions/website/desired.ts';
import { websiteSpec, type Website, type WebsiteKey } from '../../functions/website/resource.ts';

/** A cluster to test, and a way to make Websites in it as a user would. */
export interface Subject {
  readonly cluster: Cluster;
  readonly namespace: string;
  createWebsite(key: WebsiteKey, spec: unknown): Promise<Website>;
}

/** What every implementation of the port has to do; run on the double and on the real API server. */
export function describeCluster(name: string, make: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let cluster: Cluster;
    let website: Website;
    let deployment: Deployment;
    const key = () => ({ namespace: subject.namespace, name: 'shop' });
    const refusal = (code: string) => expect.objectContaining({ name: 'ClusterError', code });

    beforeEach(async () => {
      subject = await make();
      ({ cluster } = subject);
      website = await subject.createWebsite(key(), { image: 'nginx:1.29', replicas: 0 });
      const children = desired(website, websiteSpec.parse(website.spec));
      deployment = (await cluster.create(children.deployment)) as Deployment;
      await cluster.create(children.service);
    });

    it('finds nothing where there is nothing', async () => {
      const other = { ...key(), name: 'other' };
      expect(await cluster.getWebsite(other)).toBeUndefined();
      expect(await cluster.getChild('Deployment', other)).toBeUndefined();
      expect(await cluster.getChild('Ingress', key())).toBeUndefined();
    });

    it('reads what was created, with uid, resourceVersion and generation', async () => {
      const read = await cluster.getWebsite(key());
      expect(read?.metadata).toMatchObject({ ...key(), uid: website.metadata.uid, generation: 1 });
      const child = await cluster.getChild('Deployment', key());
      expect(child).toMatchObject({ kind: 'Deployment', metadata: { uid: deployment.metadata.uid, generation: 1 } });
    });

    it('never overwrites by creating', async () => {
      const { metadata, spec } = deployment;
      const { labels = {}, annotations = {}, ownerReferences = [] } = metadata;
      const again = { ...key(), name: metadata.name, labels, annotations, ownerReferences };
      const twin = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: again,
        spec: { ...spec, replicas: 7 },
      } as const;
      await expect(cluster.create(twin)).rejects.toEqual(refusal('AlreadyExists'));
      expect((await cluster.getChild('Deployment', key()))?.spec.replicas).toBe(0);
    });

    it('replaces what was read, under a new resourceVersion and generation', async () => {
      const read = await readDeployment();
      const written = await cluster.replace({ ...read, spec: { ...read.spec, replicas: 1 } });
      expect(written.metadata.resourceVersion).not.toBe(read.metadata.resourceVersion);
      expect(written.metadata.generation).toBe(2);
    });

    it('keeps the generation when only metadata changes', async () => {
      const read = await readDeployment();
      const annotations = { ...read.metadata.annotations, note: 'x' };
      const written = await cluster.replace({ ...read, metadata: { ...read.metadata, annotations } });
      expect(written.metadata.generation).toBe(1);
    });

    it('refuses to replace or delete what changed since it was read', async () => {
      const read = await readDeployment();
      await cluster.replace({ ...read, spec: { ...read.spec, replicas: 0, minReadySeconds: 1 } });
      await expect(cluster.replace({ ...read, spec: { ...read.spec, minReadySeconds: 2 } })).rejects.toEqual(
        refusal('Conflict'),
      );
      await expect(cluster.delete(read)).rejects.toEqual(refusal('Conflict'));
    });

    it('refuses to replace another object of the same name', async () => {
      const read = await readDeployment();
      const impostor = { ...read, metadata: { ...read.metadata, uid: '00000000-0000-0000-0000-000000000000' } };
      await expect(cluster.replace(impostor)).rejects.toEqual(refusal('Conflict'));
      await expect(cluster.delete(impostor)).rejects.toEqual(refusal('Conflict'));
    });

    it('knows that what it should replace or delete is gone', async () => {
      const read = await cluster.getChild('Service', key());
      if (read === undefined) throw new Error('The Service is missing');
      await cluster.delete(read);
      expect(await cluster.getChild('Service', key())).toBeUndefined();
      await expect(cluster.replace(read)).rejects.toEqual(refusal('NotFound'));
      await expect(cluster.delete(read)).rejects.toEqual(refusal('NotFound'));
    });

    it('writes the status and nothing else', async () => {
      const written = await cluster.updateStatus({
        ...website,
        spec: { image: 'other', replicas: 9 },
        status: { replicas: 3 },
      });
      expect(written.metadata.generation).toBe(1);
      expect(await cluster.getWebsite(key())).toMatchObject({
        spec: { image: 'nginx:1.29', replicas: 0 },
        status: { replicas: 3 },
      });
    });

    it('refuses a status for a Website that changed since it was read', async () => {
      await cluster.updateStatus({ ...website, status: { replicas: 3 } });
      await expect(cluster.updateStatus({ ...website, status: { replicas: 4 } })).rejects.toEqual(refusal('Conflict'));
    });

    it('lists Websites, and children with their type', async () => {
      const websites = (await all(cluster.listWebsites())).filter(
        ({ metadata }) => metadata.namespace === subject.namespace,
      );
      expect(websites.map(({ metadata }) => metadata.name)).toEqual(['shop']);
      const deployments = (await all(cluster.listChildren('Deployment'))).filter(
        ({ metadata }) => metadata.namespace === subject.namespace,
      );
      expect(deployments).toMatchObject([
        { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'shop-deployment' } },
      ]);
    });

    async function readDeployment(): Promise<Deployment> {
      const read = await cluster.getChild('Deployment', key());
      if (read === undefined) throw new Error('The Deployment is missing');
      return read;
    }
  });
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages) items.push(...page);
  return items;
}
