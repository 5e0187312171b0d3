import { childName, MANAGED_BY, MANAGER, type Child, type ChildKind } from '../website/children.ts';
import type { Desired } from '../website/desired.ts';
import { GROUP, PLURAL, VERSION, type Website, type WebsiteKey } from '../website/resource.ts';
import type { Cluster } from './cluster.ts';
import { ClusterError } from './errors.ts';
import type { ApiRequest, Transport } from './transport.ts';

/** One page of a list: the size that kubectl and client-go use. */
const PAGE = 500;
/** A page of 500 objects from a busy API server takes longer than one object. */
const LIST_TIMEOUT_MS = 60_000;

/** Where a kind of object lives. `resource` is the word that RBAC and error messages use. */
interface Api {
  readonly prefix: string;
  readonly resource: string;
}

const WEBSITES: Api = { prefix: `/apis/${GROUP}/${VERSION}`, resource: PLURAL };
const APIS: Readonly<Record<ChildKind, Api>> = {
  Deployment: { prefix: '/apis/apps/v1', resource: 'deployments' },
  Service: { prefix: '/api/v1', resource: 'services' },
  Ingress: { prefix: '/apis/networking.k8s.io/v1', resource: 'ingresses' },
};

/** The real cluster, behind one API server. */
export function kubernetes(transport: Transport): Cluster {
  async function getOrNothing<T>(api: Api, key: WebsiteKey): Promise<T | undefined> {
    try {
      return (await transport.json(on('GET', api, key))) as T;
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'NotFound') return undefined;
      throw error;
    }
  }

  async function* list<T>(api: Api, query: Record<string, string>): AsyncGenerator<readonly T[]> {
    let next: string | undefined = '';
    while (next !== undefined) {
      const parameters: string = new URLSearchParams({
        ...query,
        limit: String(PAGE),
        ...(next === '' ? {} : { continue: next }),
      }).toString();
      const page = (await transport.json({
        method: 'GET',
        path: `${api.prefix}/${api.resource}?${parameters}`,
        what: `list ${api.resource}`,
        timeoutMs: LIST_TIMEOUT_MS,
      })) as { items: T[]; metadata: { continue?: string } };
      yield page.items;
      next = page.metadata.continue === '' ? undefined : page.metadata.continue;
    }
  }

  return {
    getWebsite: (key) => getOrNothing<Website>(WEBSITES, key),
    getChild: <Kind extends ChildKind>(kind: Kind, { namespace, name }: WebsiteKey) =>
      getOrNothing<Extract<Child, { kind: Kind }>>(APIS[kind], { namespace, name: childName(kind, name) }),
    create: async (child) => (await transport.json(creation(child))) as Child,
    replace: async (child) =>
      (await transport.json({ ...on('PUT', APIS[child.kind], child.metadata), body: child })) as Child,
    async delete(child) {
      const { uid, resourceVersion } = child.metadata;
      await transport.json({
        ...on('DELETE', APIS[child.kind], child.metadata),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
      });
    },
    updateStatus: async (website) => (await transport.json(statusUpdate(website))) as Website,
    listWebsites: () => list<Website>(WEBSITES, {}),
    async *listChildren<Kind extends ChildKind>(kind: Kind) {
      const { apiVersion } = TYPES[kind];
      // The items of a list come without their type.
      for await (const items of list<Extract<Child, { kind: Kind }>>(APIS[kind], {
        labelSelector: `${MANAGED_BY}=${MANAGER}`,
      })) {
        yield items.map((item) => Object.assign(item, { apiVersion, kind }));
      }
    },
  };
}

const TYPES = {
  Deployment: { apiVersion: 'apps/v1' },
  Service: { apiVersion: 'v1' },
  Ingress: { apiVersion: 'networking.k8s.io/v1' },
} as const satisfies { [Kind in ChildKind]: Pick<Extract<Child, { kind: Kind }>, 'apiVersion'> };

const VERBS = { GET: 'get', PUT: 'update', DELETE: 'delete' } as const;

/** A request for one object. Names are encoded although they were checked: they become part of a path. */
function on(method: keyof typeof VERBS, { prefix, resource }: Api, { namespace, name }: WebsiteKey): ApiRequest {
  return {
    method,
    path: `${prefix}/namespaces/${encodeURIComponent(namespace)}/${resource}/${encodeURIComponent(name)}`,
    what: `${VERBS[method]} ${resource} ${namespace}/${name}`,
  };
}

function creation(child: Desired<Child>): ApiRequest {
  const { prefix, resource } = APIS[child.kind];
  const { namespace, name } = child.metadata;
  return {
    method: 'POST',
    path: `${prefix}/namespaces/${encodeURIComponent(namespace)}/${resource}?fieldManager=${MANAGER}`,
    what: `create ${resource} ${namespace}/${name}`,
    body: child,
  };
}

function statusUpdate(website: Website): ApiRequest {
  const request = on('PUT', WEBSITES, website.metadata);
  return {
    ...request,
    path: `${request.path}/status`,
    what: `update websites/status ${website.metadata.namespace}/${website.metadata.name}`,
    body: website,
  };
}
