import { CloudEvent, HTTP } from 'cloudevents';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { subjectOf } from '../../functions/events/website-event.ts';
import type { Program } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';

/** The behavior of every host. `start` gets a kubeconfig with the functions' own rights. */
export function describeHost(name: string, start: (environment: Record<string, string>) => Program): void {
  describe(name, () => {
    let host: Program;
    let url: string;
    let transport: Transport;
    let namespace: string;

    beforeAll(async () => {
      transport = await connect({ kubeconfig: inject('kubeconfig') });
      namespace = await createNamespace(transport, 'hosts');
      const kubeconfig = inject('functionsKubeconfig');
      host = start({
        KUBECONFIG: kubeconfig,
        HOST: '127.0.0.1',
        PORT: '0',
        WEBHOOK_ALLOWED_ORIGINS: 'eventgrid.azure.net',
      });
      url = String((await host.line('Listening'))['url']);
    });

    afterAll(async () => {
      expect(await host.stop()).toBe(0);
      await transport.close();
    });

    const eventFor = (website: string, given: object = {}) => ({
      id: 'uid.1',
      specversion: '1.0',
      source: '/clusters/test/apis/stable.example.com/v1',
      type: 'com.example.stable.website.changed',
      subject: subjectOf({ namespace, name: website }),
      datacontenttype: 'application/json',
      data: {
        apiVersion: 'stable.example.com/v1',
        kind: 'Website',
        namespace,
        name: website,
        uid: 'x',
        reason: 'spec-changed',
      },
      ...given,
    });
    const post = (headers: Record<string, string>, body: string | object) =>
      fetch(url, { method: 'POST', headers, body: typeof body === 'string' ? body : JSON.stringify(body) });
    const structured = { 'content-type': 'application/cloudevents+json' };
    const base64Of = (data: object) => ({
      data: null,
      data_base64: Buffer.from(JSON.stringify(data)).toString('base64'),
    });
    const answer = async (response: Response) => ({ status: response.status, body: await response.text() });

    it.each(['binary', 'structured'] as const)(
      'reconciles a %s CloudEvent of the SDK and answers 204 without a body',
      async (mode) => {
        const website = await createWebsite(
          transport,
          { namespace, name: `sdk-${mode}` },
          { image: 'nginx:1', replicas: 0 },
        );
        const { headers, body } = HTTP[mode](new CloudEvent(eventFor(website.metadata.name)));
        const response = await post(headers as Record<string, string>, String(body));
        expect(await answer(response)).toEqual({ status: 204, body: '' });
        expect(response.headers.get('website-actions')).toBe('create Deployment, create Service, update status');
        const key = { namespace, name: website.metadata.name };
        const judged = await kubernetes(transport).getWebsite(key);
        expect(response.headers.get('website-versions')).toMatch(
          new RegExp(`^Website=${judged?.metadata.resourceVersion}, Deployment=\\d+, Service=\\d+$`),
        );
        expect(await kubernetes(transport).getChild('Service', key)).toMatchObject({ spec: { ports: [{ port: 80 }] } });
      },
    );

    it.each([
      ['application/cloudevents+json; charset=UTF-8', (event: object) => event],
      ['Application/CloudEvents+JSON;charset=utf-8', (event: object) => event],
    ])('accepts the Content-Type %s', async (type, wrap) => {
      const response = await post({ 'content-type': type }, wrap(eventFor('missing')));
      expect(await answer(response)).toEqual({ status: 204, body: '' });
    });

    describe('accepts a batch', () => {
      const postBatch = (body: object) =>
        post({ 'content-type': 'Application/CloudEvents-Batch+JSON; charset=UTF-8' }, body);

      it('and answers for each of its events', async () => {
        const website = await createWebsite(
          transport,
          { namespace, name: 'batched' },
          { image: 'nginx:1', replicas: 0 },
        );
        const response = await postBatch([eventFor('missing'), eventFor('batched'), eventFor('x', { type: 'other' })]);
        expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json']);
        const versions = expect.stringMatching(/^Website=\d+, Deployment=\d+, Service=\d+$/) as string;
        expect(await response.json()).toMatchObject([
          { status: 204, headers: { 'website-outcome': 'gone' } },
          { status: 204, headers: { 'website-actions': expect.any(String) as string, 'website-versions': versions } },
          { status: 204, headers: { 'website-outcome': 'ignored' } },
        ]);
        expect(
          await kubernetes(transport).getChild('Service', { namespace, name: website.metadata.name }),
        ).toBeDefined();
      });

      it('with broken events: it handles the others and names the broken ones', async () => {
        await createWebsite(transport, { namespace, name: 'beside' }, { image: 'nginx:1', replicas: 0 });
        const response = await postBatch([eventFor('x', { id: undefined }), eventFor('beside'), 'no event']);
        expect(response.status).toBe(400);
        const replies = (await response.json()) as { status: number; body?: string }[];
        expect(replies.map(({ status }) => status)).toEqual([400, 204, 400]);
        expect(JSON.parse(replies[0]?.body ?? '')).toMatchObject({ detail: expect.stringContaining('id') as string });
        expect(await kubernetes(transport).getChild('Service', { namespace, name: 'beside' })).toBeDefined();
      });

      it('that is empty, and answers with an empty list', async () => {
        expect(await answer(await postBatch([]))).toEqual({ status: 200, body: '[]' });
      });

      it('only if it is an array', async () => {
        expect((await postBatch({})).status).toBe(400);
      });
    });

    it('answers 204 with the outcome gone for a missing Website', async () => {
      const response = await post(structured, eventFor('missing'));
      expect([response.status, response.headers.get('website-outcome')]).toEqual([204, 'gone']);
    });

    it.each([
      ['without id', { id: undefined }, 'id'],
      ['with an empty type', { type: '' }, 'type'],
      ['of another version', { specversion: '0.3' }, 'specversion'],
      ['without source', { source: undefined }, 'source'],
      ['with data twice', { data_base64: 'e30=' }, 'data_base64'],
      ['with a bad namespace', { data: { ...eventFor('x').data, namespace: '../x' } }, 'data.namespace'],
      ['without data', { data: undefined }, 'data'],
    ])('answers 400 to an event %s, and names the field', async (_, bad, field) => {
      const { status, body } = await answer(await post(structured, eventFor('x', bad)));
      expect(status).toBe(400);
      expect(JSON.parse(body)).toMatchObject({ status: 400, detail: expect.stringContaining(field) as string });
    });

    it.each([
      ['that is not JSON', structured, '{', 400],
      ['that is not a CloudEvent', { 'content-type': 'application/json' }, '{}', 415],
      ['in an unsupported format', { 'content-type': 'application/cloudevents+avro' }, 'x', 415],
      ['that is too large', structured, `{"data":"${'x'.repeat(300_000)}"}`, 413],
    ])('answers a body %s with a problem', async (_, headers, body, status) => {
      const response = await post(headers, body);
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    });

    it('answers 204 with the outcome ignored for an unknown type of event', async () => {
      const response = await post(structured, eventFor('x', { type: 'com.example.other' }));
      expect([response.status, response.headers.get('website-outcome')]).toEqual([204, 'ignored']);
    });

    it('accepts an event of ApiServerSource, which names the object in its subject', async () => {
      await createWebsite(transport, { namespace, name: 'knative' }, { image: 'nginx:1', replicas: 0 });
      const event = eventFor('knative', { type: 'dev.knative.apiserver.resource.add', data: { kind: 'Website' } });
      expect((await post(structured, event)).headers.get('website-outcome')).toBe('waiting');
    });

    it('uses only the name in an event: a forged spec, uid and generation have no effect', async () => {
      const key = { namespace, name: 'forged' };
      await createWebsite(transport, key, { image: 'nginx:1', replicas: 0 });
      const forged = { uid: 'another', generation: 99, resourceVersion: '1', spec: { image: 'evil:1', replicas: 9 } };
      const event = eventFor('forged', { data: { ...eventFor('forged').data, ...forged } });
      for (const _ of [1, 2, 3]) expect((await post(structured, event)).status).toBe(204);
      const deployment = await kubernetes(transport).getChild('Deployment', key);
      expect(deployment?.spec).toMatchObject({
        replicas: 0,
        template: { spec: { containers: [{ image: 'nginx:1' }] } },
      });
      expect(deployment?.metadata.generation).toBe(1);
    });

    it('creates at a resync the children of a Website that had no event', async () => {
      const key = { namespace, name: 'resynced' };
      await createWebsite(transport, key, { image: 'nginx:1', replicas: 0 });
      const response = await fetch(new URL('resync', url), { method: 'POST' });
      expect(response.status).toBe(204);
      expect(await kubernetes(transport).getChild('Deployment', key)).toBeDefined();
    });

    it.each([
      ['with null in optional attributes', { subject: null, data_base64: null, time: null }],
      ['with its data in base64', ({ data }: object & { data: object }) => base64Of(data)],
    ])('accepts a structured event %s', async (_, given) => {
      const event = eventFor('missing');
      const response = await post(structured, { ...event, ...(typeof given === 'function' ? given(event) : given) });
      expect([response.status, response.headers.get('website-outcome')]).toEqual([204, 'gone']);
    });

    const inHeaders = (given: Record<string, string>) => ({
      'content-type': 'application/json',
      'ce-id': 'uid.1',
      'ce-source': '/x',
      'ce-specversion': '1.0',
      'ce-type': 'com.example.stable.website.changed',
      ...given,
    });

    it.each<[string, Record<string, string>]>([
      ['that its sender did not encode', { 'ce-note': '100% "ok"', 'ce-subject': '100%', 'ce-id': '50%' }],
      ['in quotes', { 'ce-type': '"com.example.stable.website.changed"', 'ce-specversion': '"1.0"' }],
    ])('accepts a binary event with attributes %s', async (_, given) => {
      const response = await post(inHeaders(given), eventFor('missing').data);
      expect([response.status, response.headers.get('website-outcome')]).toEqual([204, 'gone']);
    });

    it('parses data only if it needs them, in every mode', async () => {
      const ping = { ...inHeaders({ 'ce-type': 'dev.knative.sources.ping' }) };
      const { 'content-type': _, ...untyped } = ping;
      const outcomeOf = async (headers: Record<string, string>, body: string | object) => {
        // Sent as bytes, because fetch would send a string as text/plain.
        const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
        const response = await fetch(url, { method: 'POST', headers, body: bytes });
        return [response.status, response.headers.get('website-outcome') ?? (await response.text())];
      };
      expect(await outcomeOf(untyped, 'time to resync')).toEqual([204, 'resynced']);
      expect(await outcomeOf(ping, '{')).toEqual([204, 'resynced']);
      const foreign = { ...eventFor('x', { type: 'com.example.other', data: undefined }), data_base64: 'AAEC' };
      expect(await outcomeOf(structured, foreign)).toEqual([204, 'ignored']);
      const batch = [foreign, { ...eventFor('missing'), data: undefined, data_base64: 'AAEC' }, eventFor('missing')];
      const [status, replies] = await outcomeOf({ 'content-type': 'application/cloudevents-batch+json' }, batch);
      expect(status).toBe(400);
      expect((JSON.parse(String(replies)) as { status: number }[]).map((reply) => reply.status)).toEqual([
        204, 400, 204,
      ]);
      // Our own events need their data.
      expect(String((await outcomeOf(inHeaders({}), 'text'))[1])).toContain('CloudEvent data is not valid JSON');
    });

    it('treats a ping as a request for a resync', async () => {
      const response = await post(structured, eventFor('x', { type: 'dev.knative.sources.ping', data: undefined }));
      expect([response.status, response.headers.get('website-outcome')]).toEqual([204, 'resynced']);
      expect(response.headers.get('website-resync')).toMatch(
        /^seen=\d+, differing=\d+, repaired=\d+, stalled=\d+, failed=0, unreached=0, unfinished=0$/,
      );
    });

    it('answers the webhook handshake positively for allowed origins only', async () => {
      const handshake = async (origin: string) => {
        const response = await fetch(url, { method: 'OPTIONS', headers: { 'webhook-request-origin': origin } });
        return [response.headers.get('webhook-allowed-origin'), response.headers.get('allow')];
      };
      expect(await handshake('eventgrid.azure.net')).toEqual(['eventgrid.azure.net', 'POST, OPTIONS']);
      expect(await handshake('EventGrid.Azure.Net')).toEqual(['EventGrid.Azure.Net', 'POST, OPTIONS']);
      expect(await handshake('evil.example.com')).toEqual([null, 'POST, OPTIONS']);
    });
  });
}
