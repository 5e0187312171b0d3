import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { CloudEventV1 } from 'cloudevents';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { EVENT_TYPES, subjectOf } from '../../functions/events/website-event.ts';
import { faultProxy, type FaultProxy } from '../faults/proxy.ts';
import { createNamespace, createWebsite, removeWebsitesIn } from '../real-cluster.ts';

/** A way of delivering events to the functions, with a sender that tries again. */
export interface Way {
  /** Delivers an event until the functions accept it or the sender sets it aside. */
  deliver(event: CloudEventV1<unknown>): Promise<{ readonly end: 'taken' | 'set aside'; readonly tries: number }>;
  stop(): Promise<void>;
}

/** The fate of events on every way of delivery. `start` gets the settings of the functions. */
export function describeDeliveries(name: string, start: (settings: Record<string, string>) => Promise<Way>): void {
  describe(`Events that come ${name}`, () => {
    let way: Way;
    let admin: Transport;
    let proxy: FaultProxy;
    let namespace: string;

    beforeAll(async () => {
      admin = await connect({ kubeconfig: inject('kubeconfig') });
      proxy = await faultProxy(inject('functionsKubeconfig'));
      namespace = await createNamespace(admin, 'ways');
      way = await start({ KUBECONFIG: proxy.kubeconfig });
    });
    afterAll(async () => {
      await way.stop();
      await removeWebsitesIn(admin, namespace);
      await Promise.all([proxy.close(), admin.close()]);
    });

    const deliver = (website: string, given: Partial<CloudEventV1<unknown>> = {}) =>
      way.deliver({
        id: 'uid.1',
        specversion: '1.0',
        source: '/clusters/test/apis/stable.example.com/v1',
        type: EVENT_TYPES.changed,
        subject: subjectOf({ namespace, name: website }),
        data: dataOf(website),
        ...given,
      });
    const dataOf = (website: string) => ({
      apiVersion: 'stable.example.com/v1',
      kind: 'Website',
      namespace,
      name: website,
      uid: 'x',
      reason: 'spec-changed',
    });
    const create = (website: string) =>
      createWebsite(admin, { namespace, name: website }, { image: 'nginx:1', replicas: 0 });
    const serviceOf = (website: string) => kubernetes(admin).getChild('Service', { namespace, name: website });

    it('are accepted at the first try when they lead to children', async () => {
      await create('shop');
      expect(await deliver('shop')).toEqual({ end: 'taken', tries: 1 });
      expect(await serviceOf('shop')).toBeDefined();
    });

    it('are accepted at the first try when the Website is gone', async () => {
      expect(await deliver('missing')).toEqual({ end: 'taken', tries: 1 });
    });

    it('are accepted at the first try when their type is unknown', async () => {
      expect(await deliver('x', { type: 'com.example.other' })).toEqual({ end: 'taken', tries: 1 });
    });

    it('are accepted at the first try when the Website is stalled, because another try would not help', async () => {
      await create('stalled');
      await admin.json({
        method: 'POST',
        path: `/api/v1/namespaces/${namespace}/services`,
        what: 'create a foreign Service',
        body: { metadata: { name: 'stalled-service' }, spec: { ports: [{ port: 80 }] } },
      });
      expect(await deliver('stalled')).toEqual({ end: 'taken', tries: 1 });
      expect((await kubernetes(admin).getWebsite({ namespace, name: 'stalled' }))?.status?.conditions).toContainEqual(
        expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'NameConflict' }),
      );
    });

    it('are tried again while the cluster fails, and then accepted', async () => {
      await create('late');
      // After each failure, the functions read the Website once more, to report it.
      proxy.add({ method: 'GET', path: /websites\/late/, fault: { answer: 500 }, times: 4 });
      expect(await deliver('late')).toEqual({ end: 'taken', tries: 3 });
      expect(await serviceOf('late')).toBeDefined();
    });

    it.each([
      ['not CloudEvents', { specversion: '0.3' as '1.0' }],
      ['our events with invalid data', { data: { name: '../x' } }],
    ])('are set aside when they are %s', async (_, broken) => {
      await create('untouched').catch(() => 'there from before');
      expect(await deliver('untouched', broken)).toMatchObject({ end: 'set aside' });
      expect(await serviceOf('untouched')).toBeUndefined();
    });

    it('may ask for a resync', async () => {
      await create('untold');
      expect(await deliver('x', { type: EVENT_TYPES.resync, data: undefined })).toMatchObject({ end: 'taken' });
      expect(await serviceOf('untold')).toBeDefined();
    });
  });
}
