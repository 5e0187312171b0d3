import { eventually } from '../eventually.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../../functions/cluster/cluster.ts';
import { keyText, type Website, type WebsiteKey } from '../../functions/website/resource.ts';
import type { Announcement, Transition } from '../../functions/website/status/transition.ts';
import { SPEC } from '../fixtures/websites.ts';
import type { Ingress } from '../../functions/website/children/ingress.ts';
import { desiredChild } from '../fixtures/children.ts';

/** A cluster to test, and a way to make Websites in it as a user would. */
export interface Subject {
  readonly cluster: Cluster;
  readonly namespace: string;
  createWebsite(key: WebsiteKey, spec: unknown): Promise<Website>;
  /** Creates a Pod with these labels, which is never scheduled. */
  createPod(name: string, labels: Readonly<Record<string, string>>): Promise<unknown>;
  /** The Kubernetes Events of a Website. */
  announced(website: Website): Promise<readonly Announcement[]>;
}

/** The behavior of every implementation of the port. It runs on the double and on the real API server. */
export function describeCluster(name: string, make: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject;
    let cluster: Cluster;
    let website: Website;
    // No controller writes to the Ingress in these tests, so only the tests change it.
    let ingress: Ingress;
    const key = () => ({ namespace: subject.namespace, name: 'shop' });
    const refusal = (code: string) => expect.objectContaining({ name: 'ClusterError', code });

    beforeEach(async () => {
      subject = await make();
      ({ cluster } = subject);
      website = await subject.createWebsite(key(), { image: 'nginx:1.29', replicas: 0, host: 'a.example.com' });
      ingress = (await cluster.create(desiredChild('Ingress', website))) as Ingress;
      await cluster.create(desiredChild('Deployment', website));
    });

    it('finds no missing object', async () => {
      const other = { ...key(), name: 'other' };
      expect(await cluster.getWebsite(other)).toBeUndefined();
      expect(await cluster.getChild('Deployment', other)).toBeUndefined();
      expect(await cluster.getChild('Service', key())).toBeUndefined();
    });

    it('reads a created object with uid, resourceVersion and generation', async () => {
      const read = await cluster.getWebsite(key());
      expect(read?.metadata).toMatchObject({ ...key(), uid: website.metadata.uid, generation: 1 });
      const child = await cluster.getChild('Ingress', key());
      expect(child).toMatchObject({ kind: 'Ingress', metadata: { uid: ingress.metadata.uid, generation: 1 } });
    });

    it('reads a Website at a version or later', async () => {
      const { resourceVersion } = website.metadata;
      expect((await cluster.getWebsite(key(), resourceVersion))?.metadata.uid).toBe(website.metadata.uid);
      const updated = await cluster.updateStatus({ ...website, status: { observedGeneration: 1 } });
      const { resourceVersion: since } = updated.metadata;
      expect(await cluster.getWebsite(key(), since)).toMatchObject({ metadata: { resourceVersion: since } });
      expect(await cluster.getWebsite({ ...key(), name: 'other' }, since)).toBeUndefined();
    });

    it('reads a child from a cache, which follows the writes', async () => {
      const written = await cluster.replace(withHost(await readIngress(), 'b.example.com'));
      await eventually(async () => {
        const cached = await cluster.getChild('Ingress', key(), 'cache');
        expect(cached?.metadata.resourceVersion).toBe(written.metadata.resourceVersion);
      });
      expect(await cluster.getChild('Ingress', { ...key(), name: 'other' }, 'cache')).toBeUndefined();
    });

    it('refuses to create an object that exists', async () => {
      const twin = desiredChild('Ingress', website, { ...SPEC, host: 'b.example.com' });
      await expect(cluster.create(twin)).rejects.toEqual(refusal('AlreadyExists'));
      expect((await readIngress()).spec.rules).toMatchObject([{ host: 'a.example.com' }]);
    });

    it('replaces an object, which gets a new resourceVersion and generation', async () => {
      const read = await readIngress();
      const written = await cluster.replace(withHost(read, 'b.example.com'));
      expect(written.metadata.resourceVersion).not.toBe(read.metadata.resourceVersion);
      expect(written).toMatchObject({ metadata: { generation: 2 }, spec: { rules: [{ host: 'b.example.com' }] } });
    });

    it('returns the result of a replacement without storing it', async () => {
      const read = await readIngress();
      const would = await cluster.rehearse(withHost(read, 'b.example.com'));
      expect(would).toMatchObject({ kind: 'Ingress', spec: { rules: [{ host: 'b.example.com' }] } });
      expect(await readIngress()).toEqual(read);
      await cluster.replace(withHost(read, 'c.example.com'));
      await expect(cluster.rehearse(withHost(read, 'd.example.com'))).rejects.toEqual(refusal('Conflict'));
    });

    it('keeps the resourceVersion if nothing changes, and the generation if only metadata changes', async () => {
      const read = await readIngress();
      expect((await cluster.replace(read)).metadata.resourceVersion).toBe(read.metadata.resourceVersion);
      const annotations = { ...read.metadata.annotations, note: 'x' };
      const written = await cluster.replace({ ...read, metadata: { ...read.metadata, annotations } });
      expect(written.metadata).toMatchObject({ generation: 1, annotations: { note: 'x' } });
    });

    it('refuses to replace or delete an object that changed after it was read', async () => {
      const read = await readIngress();
      await cluster.replace(withHost(read, 'b.example.com'));
      await expect(cluster.replace(withHost(read, 'c.example.com'))).rejects.toEqual(refusal('Conflict'));
      await expect(cluster.delete(read)).rejects.toEqual(refusal('Conflict'));
    });

    it('refuses to replace or delete an object of the same name with another uid', async () => {
      const read = await readIngress();
      const impostor = { ...read, metadata: { ...read.metadata, uid: '00000000-0000-0000-0000-000000000000' } };
      await expect(cluster.replace(withHost(impostor, 'b.example.com'))).rejects.toEqual(refusal('Conflict'));
      await expect(cluster.delete(impostor)).rejects.toEqual(refusal('Conflict'));
    });

    it('deletes an object, and then refuses to replace or delete it', async () => {
      const read = await readIngress();
      await cluster.delete(read);
      expect(await cluster.getChild('Ingress', key())).toBeUndefined();
      await expect(cluster.replace(read)).rejects.toMatchObject({ name: 'ClusterError', class: 'conflict' });
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

    it('refuses a status for a Website that changed after it was read, even a status without a change', async () => {
      const { metadata } = await cluster.updateStatus({ ...website, status: { replicas: 3 } });
      for (const replicas of [3, 4])
        await expect(cluster.updateStatus({ ...website, status: { replicas } })).rejects.toEqual(refusal('Conflict'));
      expect(await cluster.getWebsite(key())).toMatchObject({
        metadata: { resourceVersion: metadata.resourceVersion },
      });
    });

    it('rehearses a status without storing it, and refuses it for a Website that changed after it was read', async () => {
      const would = await cluster.rehearseStatus({ ...website, status: { replicas: 3 } });
      expect(would.status).toEqual({ replicas: 3 });
      const read = await cluster.getWebsite(key());
      expect([read?.status, read?.metadata.resourceVersion]).toEqual([undefined, website.metadata.resourceVersion]);
      await cluster.updateStatus({ ...website, status: { replicas: 4 } });
      await expect(cluster.rehearseStatus({ ...website, status: { replicas: 3 } })).rejects.toEqual(
        refusal('Conflict'),
      );
    });

    it('keeps the resourceVersion if a status changes nothing', async () => {
      const { metadata } = await cluster.updateStatus({ ...website, status: { replicas: 3 } });
      const again = await cluster.updateStatus({ ...website, metadata, status: { replicas: 3 } });
      expect(again.metadata.resourceVersion).toBe(metadata.resourceVersion);
    });

    it('announces a transition, and never throws', async () => {
      const transition: Transition = {
        type: 'Warning',
        reason: 'NameConflict',
        note: 'Deployment shop-deployment exists',
      };
      await cluster.announce(website, transition);
      expect(await subject.announced(website)).toMatchObject([transition]);
      const nowhere = { ...website, metadata: { ...website.metadata, namespace: 'no-such-namespace' } };
      await expect(cluster.announce(nowhere, { ...transition, note: 'x'.repeat(5_000) })).resolves.toBeUndefined();
    });

    it('announces an event with the same key once, also for a newer version of the Website', async () => {
      const repair: Announcement = { type: 'Normal', reason: 'Repaired', note: 'x', once: 'service-repaired.1' };
      await cluster.announce(website, repair);
      const newer = await cluster.updateStatus({ ...website, status: { replicas: 3 } });
      await cluster.announce(newer, { ...repair, note: 'y' });
      await cluster.announce(newer, { ...repair, once: 'service-repaired.2' });
      const notes = (await subject.announced(website)).map(({ note }) => note);
      expect(notes).toEqual(['x', 'x']);
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

    it('lists objects by namespace and name, so that - comes before letters and digits', async () => {
      for (const each of ['shop-a', 'shop-service', 'shop1', 'shop-a-b', 'shopping']) {
        const other = await subject.createWebsite({ ...key(), name: each }, { ...SPEC, replicas: 0 });
        await cluster.create(desiredChild('Deployment', other));
      }
      for (const list of [cluster.listWebsites(), cluster.listChildren('Deployment')]) {
        const keys = (await all<{ readonly metadata: WebsiteKey }>(list)).map(({ metadata }) => keyText(metadata));
        expect(keys).toEqual(keys.toSorted());
      }
    });

    it('lists at most 50 Pods with the given labels', async () => {
      expect(await cluster.listPods(subject.namespace, { app: 'shop' })).toEqual([]);
      for (let index = 0; index < 52; index++)
        await subject.createPod(`shop-${index}`, { app: 'shop', half: String(index % 2) });
      const pods = await cluster.listPods(subject.namespace, { app: 'shop', half: '1' });
      expect(pods).toHaveLength(26);
      expect(pods[0]).toMatchObject({
        metadata: { labels: { half: '1' } },
        spec: { containers: [{ image: 'nginx:1' }] },
      });
      expect(await cluster.listPods(subject.namespace, { app: 'shop' })).toHaveLength(50);
      expect(await cluster.listPods('no-such-namespace', { app: 'shop' })).toEqual([]);
    });

    async function readIngress(): Promise<Ingress> {
      const read = await cluster.getChild('Ingress', key());
      if (read === undefined) throw new Error('The Ingress is missing');
      return read;
    }

    const withHost = (read: Ingress, host: string): Ingress => {
      const [rule] = read.spec.rules ?? [];
      return { ...read, spec: { ...read.spec, rules: [{ ...rule, host }] } };
    };
  });
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages) items.push(...page);
  return items;
}
