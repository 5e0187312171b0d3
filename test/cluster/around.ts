import type { Cluster } from '../../functions/cluster/cluster.ts';
import type { ChildKind } from '../../functions/website/children/kinds.ts';

/** A read or a write of one object. */
export interface Call {
  readonly verb:
    | 'get'
    | 'get cached'
    | 'create'
    | 'replace'
    | 'rehearse'
    | 'delete'
    | 'scale'
    | 'update status'
    | 'rehearse status';
  readonly kind: ChildKind | 'Website';
}

/** Makes a call with `proceed`, before or after something else, or does not make it. */
export type Through = <T>(call: Call, proceed: () => Promise<T>) => Promise<T>;

export const callText = ({ verb, kind }: Call): string => `${verb} ${kind}`;

/** The cluster, whose reads and writes of one object go through this function. Lists and announcements do not. */
export const around = (cluster: Cluster, through: Through = async (_, proceed) => proceed()): Cluster => ({
  getWebsite: async (key, since) =>
    through({ verb: since === undefined ? 'get' : 'get cached', kind: 'Website' }, () =>
      cluster.getWebsite(key, since),
    ),
  getChild: async (kind, key, from) =>
    through({ verb: from === undefined ? 'get' : 'get cached', kind }, () => cluster.getChild(kind, key, from)),
  create: async (child) => through({ verb: 'create', kind: child.kind }, () => cluster.create(child)),
  replace: async (child) => through({ verb: 'replace', kind: child.kind }, () => cluster.replace(child)),
  rehearse: async (child) => through({ verb: 'rehearse', kind: child.kind }, () => cluster.rehearse(child)),
  delete: async (child) => through({ verb: 'delete', kind: child.kind }, () => cluster.delete(child)),
  scale: async (website, replicas) =>
    through({ verb: 'scale', kind: 'Website' }, () => cluster.scale(website, replicas)),
  updateStatus: async (website) =>
    through({ verb: 'update status', kind: 'Website' }, () => cluster.updateStatus(website)),
  rehearseStatus: async (website) =>
    through({ verb: 'rehearse status', kind: 'Website' }, () => cluster.rehearseStatus(website)),
  announce: async (website, announcement) => cluster.announce(website, announcement),
  listPods: async (namespace, labels) => cluster.listPods(namespace, labels),
  listWebsites: () => cluster.listWebsites(),
  listChildren: (kind) => cluster.listChildren(kind),
});
