import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import type { Transport } from '../functions/cluster/transport.ts';
import { authority } from '../infra/local/control-plane/certificates.ts';

/** An admission webhook that the API server asks about the creation and change of objects. */
export interface Webhook {
  /** What it answers, by the images of the object; nothing keeps the API server waiting, until the timeout. */
  answer: (images: string) => { allowed: boolean; status?: { code?: number; message?: string } } | undefined;
  close(): Promise<void>;
}

const PATH = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';

/** Starts one for one resource in one namespace, where nothing happens without its consent. */
export async function startWebhook(
  admin: Transport,
  { namespace, resource, timeoutSeconds = 1 }: { namespace: string; resource: string; timeoutSeconds?: number },
): Promise<Webhook> {
  const folder = mkdtempSync(join(tmpdir(), 'webhook-'));
  const ca = await authority(folder);
  const { certificate, key } = await ca.issue({ commonName: 'webhook' });
  const webhook: Pick<Webhook, 'answer'> = { answer: () => ({ allowed: true }) };
  const server = createServer({ cert: certificate, key }, (request, response) => {
    void (async () => {
      const { request: asked } = (await json(request)) as { request: { uid: string; object: unknown } };
      const images = [...JSON.stringify(asked.object).matchAll(/"image":"([^"]*)"/g)].map(([, image]) => image);
      const answer = webhook.answer(images.join(' '));
      if (answer === undefined) return;
      const reply = { uid: asked.uid, ...answer };
      const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: reply };
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(review));
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  await admin.json({
    method: 'POST',
    path: PATH,
    what: 'create webhook',
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: namespace },
      webhooks: [
        {
          name: 'test.example.com',
          clientConfig: { url, caBundle: Buffer.from(ca.certificate).toString('base64') },
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['CREATE', 'UPDATE'], resources: [resource] }],
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          failurePolicy: 'Fail',
          timeoutSeconds,
        },
      ],
    },
  });
  return Object.assign(webhook, {
    async close() {
      await admin.json({ method: 'DELETE', path: `${PATH}/${namespace}`, what: 'delete webhook' });
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true });
    },
  });
}
