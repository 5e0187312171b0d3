import { randomBytes } from 'node:crypto';
import type { Transport } from '../functions/cluster/transport.ts';
import {
  API_VERSION,
  KIND,
  PLURAL,
  type ObjectMeta,
  type Website,
  type WebsiteKey,
} from '../functions/website/resource.ts';

/** A namespace of its own for a test, so that tests share a control plane and nothing else. */
export async function createNamespace(transport: Transport, prefix: string): Promise<string> {
  const name = `${prefix}-${randomBytes(4).toString('hex')}`;
  await transport.json({
    method: 'POST',
    path: '/api/v1/namespaces',
    what: `create namespaces ${name}`,
    body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  });
  return name;
}

const pathOf = ({ namespace, name }: WebsiteKey): string =>
  `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}/${name}`;

/** Creates a Website as `kubectl create` does: unknown fields are refused. */
export async function createWebsite(
  transport: Transport,
  key: WebsiteKey,
  spec: unknown,
  metadata: Partial<ObjectMeta> = {},
): Promise<Website> {
  return (await transport.json({
    method: 'POST',
    path: `/apis/${API_VERSION}/namespaces/${key.namespace}/${PLURAL}?fieldValidation=Strict`,
    what: `create websites ${key.name}`,
    body: { apiVersion: API_VERSION, kind: KIND, metadata: { ...key, ...metadata }, spec },
  })) as Website;
}

/** Changes any object as `kubectl patch` does: by a list of operations (`--type json`), or by fields (`--type merge`). */
export async function patch(transport: Transport, path: string, body: object): Promise<unknown> {
  const contentType = `application/${Array.isArray(body) ? 'json' : 'merge'}-patch+json`;
  return transport.json({ method: 'PATCH', path, what: `patch ${path}`, body, contentType });
}

export const patchWebsite = (transport: Transport, key: WebsiteKey, body: object): Promise<unknown> =>
  patch(transport, pathOf(key), body);

/** Puts another spec in place of the one that is there, as `kubectl replace` does. */
export async function replaceWebsiteSpec(transport: Transport, key: WebsiteKey, spec: unknown): Promise<void> {
  await patch(transport, pathOf(key), [{ op: 'replace', path: '/spec', value: spec }]);
}

export async function remove(transport: Transport, path: string): Promise<void> {
  await transport.json({ method: 'DELETE', path, what: `delete ${path}` });
}

/** Deletes all Websites of a namespace, for tests whose Websites would not let a resync of the cluster rest. */
export const removeWebsitesIn = (transport: Transport, namespace: string): Promise<void> =>
  remove(transport, `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}`);

export const removeWebsite = (transport: Transport, key: WebsiteKey): Promise<void> => remove(transport, pathOf(key));
