import type { Desired } from '../website/children/kind.ts';
import { kindOf, type Child, type ChildKind, type ChildOfKind } from '../website/children/kinds.ts';
import { CHILD_SELECTOR, childName, MANAGER } from '../website/children/metadata.ts';
import type { Pod } from '../website/pods/pod.ts';
import { API_VERSION, apiPath, GROUP, KIND, PLURAL, type Website, type WebsiteKey } from '../website/resource.ts';
import { shortened } from '../website/shortened.ts';
import type { Announcement } from '../website/status/transition.ts';
import type { Cluster } from './cluster.ts';
import { requestFor } from './collection.ts';
import { ClusterError } from './errors.ts';
import { inTurnWhereLarge, LARGE_AT_ONCE } from './large.ts';
import { withOptionalApis } from './optional-apis.ts';
import type { LostEvent } from './lost-events.ts';
import { pages, PAGES_AT_ONCE } from './pages.ts';
import { ANNOUNCEMENT_MS } from './patience.ts';
import { Places } from './places.ts';
import { isOlder } from './resource-version.ts';
import type { ApiRequest, Transport } from './transport.ts';

/** A resource of the API server. RBAC rules and error messages use its plural. */
interface Api {
  readonly apiVersion: string;
  readonly plural: string;
}

/** An object of a list. */
type Listed = { readonly metadata: { managedFields?: unknown } };

/** The API server orders objects by `namespace/name`, and `-` comes before `/`. */
const inListOrder = (one: string, other: string): number => (`${one}/` < `${other}/` ? -1 : 1);

const WEBSITES: Api = { apiVersion: API_VERSION, plural: PLURAL };

/** The API server answers from its cache, however far that is behind. */
const FROM_CACHE = '?resourceVersion=0';

/** A rollout with more Pods than this fails in all of them for the same few causes. */
const MOST_PODS = 50;

/** Limits how many list pages and large objects are in memory at once. Other writers may make them large. */
export interface Room {
  readonly pages: Places;
  readonly objects: Places;
}

export const roomForLarge = (): Room => ({ pages: new Places(PAGES_AT_ONCE), objects: new Places(LARGE_AT_ONCE) });

/**
 * The real cluster, behind one API server.
 * @param namespaces to list, if the rights are limited to these. Defaults to all.
 * @param room one for all clusters of a process.
 */
export function kubernetes(
  transport: Transport,
  namespaces?: readonly string[],
  room: Room = roomForLarge(),
  lost: LostEvent = () => {},
): Cluster {
  const json = inTurnWhereLarge(transport, room.objects);

  async function getIfPresent<T>(api: Api, key: WebsiteKey, query = ''): Promise<T | undefined> {
    const request = on('GET', api, key);
    try {
      return (await json({ ...request, path: request.path + query })) as T;
    } catch (error) {
      if (error instanceof ClusterError && error.code === 'NotFound') return undefined;
      throw error;
    }
  }

  /**
   * With `since`, the API server's cache may answer if it is new enough, which spares etcd the read. The request does not name the
   * version, because the API server would wait 3 s for a version that never comes. Such a version is forged, from another cluster, or
   * from before a restore.
   */
  async function getWebsite(key: WebsiteKey, since?: string): Promise<Website | undefined> {
    const cached = since === undefined ? undefined : await getIfPresent<Website>(WEBSITES, key, FROM_CACHE);
    const { resourceVersion = '' } = cached?.metadata ?? {};
    const isNewEnough = since !== undefined && (resourceVersion === since || isOlder(since, resourceVersion));
    return isNewEnough ? cached : getIfPresent<Website>(WEBSITES, key);
  }

  async function* list<T extends Listed>(api: Api, query: Record<string, string>): AsyncGenerator<readonly T[]> {
    for (const namespace of namespaces?.toSorted(inListOrder) ?? [undefined]) yield* listIn<T>(namespace, api, query);
  }

  async function* listIn<T extends Listed>(
    namespace: string | undefined,
    api: Api,
    query: Record<string, string>,
  ): AsyncGenerator<readonly T[]> {
    const request = requestFor({ name: api.plural, prefix: apiPath(api.apiVersion), namespace }, 'list');
    for await (const page of pages(transport, { ...request, query }, room.pages)) {
      const { items } = page as { items: T[] };
      // managedFields are half of an object, and a resync holds a page of each list.
      for (const { metadata } of items) delete metadata.managedFields;
      yield items;
    }
  }

  return withOptionalApis({
    getWebsite,
    getChild: <Kind extends ChildKind>(kind: Kind, { namespace, name }: WebsiteKey, from?: 'cache') =>
      getIfPresent<ChildOfKind<Kind>>(
        kindOf(kind),
        { namespace, name: childName(kind, name) },
        from === 'cache' ? FROM_CACHE : '',
      ),
    create: async (child) => (await json(creation(child))) as Child,
    replace: async (child) =>
      (await json({ ...on('PUT', kindOf(child.kind), child.metadata), body: bodyOf(child) })) as Child,
    rehearse: async (child) =>
      (await json(asDryRun({ ...on('PUT', kindOf(child.kind), child.metadata), body: bodyOf(child) }))) as Child,
    async delete(child) {
      const { uid, resourceVersion } = child.metadata;
      await json({
        ...on('DELETE', kindOf(child.kind), child.metadata),
        body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
      });
    },
    async scale(website, replicas) {
      await json(scaling(website, replicas));
    },
    updateStatus: async (website) => (await json(statusUpdate(website))) as Website,
    rehearseStatus: async (website) => (await json(asDryRun(statusUpdate(website)))) as Website,
    async announce(website, announcement) {
      // An admission webhook may hang for Kubernetes Events alone.
      const signal = AbortSignal.timeout(ANNOUNCEMENT_MS);
      const event = { ...eventOf(website, announcement, new Date()), signal };
      await json(event).catch((error: unknown) => lost(website.metadata.namespace, error));
    },
    async listPods(namespace, labels) {
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
      const labelSelector = Object.entries(labels)
        .map(([label, value]) => `${label}=${value}`)
        .join(',');
      const request = {
        path,
        query: { labelSelector },
        what: `list pods in namespace ${namespace}`,
        pageSize: MOST_PODS,
      };
      // The first page alone. It has fewer Pods if they are large.
      for await (const page of pages(transport, request, room.pages)) return (page as { items: Pod[] }).items;
      return [];
    },
    listWebsites: () => list<Website>(WEBSITES, {}),
    async *listChildren<Kind extends ChildKind>(kind: Kind) {
      const { apiVersion } = kindOf(kind);
      // List items come without apiVersion and kind.
      for await (const items of list<ChildOfKind<Kind>>(kindOf(kind), {
        labelSelector: CHILD_SELECTOR,
      })) {
        yield items.map((item) => Object.assign(item, { apiVersion, kind }));
      }
    },
  });
}

const VERBS = { GET: 'get', PUT: 'update', DELETE: 'delete' } as const;

/** A request for one object. It encodes names although they have been checked, because they become part of a path. */
const on = (method: keyof typeof VERBS, api: Api, key: WebsiteKey): ApiRequest => ({
  method,
  path: pathOf(api, key),
  what: `${VERBS[method]} ${api.plural} ${key.namespace}/${key.name}`,
});

/** The URL path of one object. */
const pathOf = ({ apiVersion, plural }: Api, { namespace, name }: WebsiteKey): string =>
  `${apiPath(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${plural}/${encodeURIComponent(name)}`;

/** The URL path of a Website. */
export const websitePath = (key: WebsiteKey): string => pathOf(WEBSITES, key);

/** The body of an update. Without `managedFields`, the API server keeps those that it has, and has less to parse. */
const bodyOf = <T extends Child | Website>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, managedFields: undefined },
});

function creation(child: Desired<Child>): ApiRequest {
  const { apiVersion, plural } = kindOf(child.kind);
  const { namespace, name } = child.metadata;
  return {
    method: 'POST',
    path: `${apiPath(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/${plural}?fieldManager=${MANAGER}`,
    what: `create ${plural} ${namespace}/${name}`,
    body: child,
  };
}

/** Writes the scale subresource. The uid and version make it fail if the Website has changed. */
function scaling({ metadata: { namespace, name, uid, resourceVersion } }: Website, replicas: number): ApiRequest {
  const request = on('PUT', WEBSITES, { namespace, name });
  return {
    ...request,
    path: `${request.path}/scale`,
    what: `update websites/scale ${namespace}/${name}`,
    body: {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { namespace, name, uid, resourceVersion },
      spec: { replicas },
    },
  };
}

function statusUpdate(website: Website): ApiRequest {
  const request = on('PUT', WEBSITES, website.metadata);
  return {
    ...request,
    path: `${request.path}/status`,
    what: `update websites/status ${website.metadata.namespace}/${website.metadata.name}`,
    body: bodyOf(website),
  };
}

/** The same request, which the API server answers without storing anything. */
const asDryRun = (request: ApiRequest): ApiRequest => ({ ...request, path: `${request.path}?dryRun=All` });

/** Longest note of an Event in `events.k8s.io/v1`, in bytes. */
const LONGEST_NOTE = 1024;

/**
 * The name contains the version that the status write returned, so each transition has one Event. The API server refuses a second
 * Event of the same name.
 */
function eventOf({ metadata }: Website, { type, reason, note, once }: Announcement, now: Date): ApiRequest {
  const { namespace, name, uid, resourceVersion } = metadata;
  const apiVersion = 'events.k8s.io/v1';
  return {
    method: 'POST',
    path: `${apiPath(apiVersion)}/namespaces/${encodeURIComponent(namespace)}/events`,
    what: `create events ${namespace}/${name}`,
    body: {
      apiVersion,
      kind: 'Event',
      metadata: { namespace, name: `${name}.${once ?? resourceVersion}` },
      regarding: { apiVersion: API_VERSION, kind: KIND, namespace, name, uid, resourceVersion },
      eventTime: now.toISOString().replace('Z', '000Z'),
      reportingController: `${GROUP}/${MANAGER}`,
      reportingInstance: MANAGER,
      action: 'Reconcile',
      type,
      reason,
      note: shortened(note, LONGEST_NOTE),
    },
  };
}
