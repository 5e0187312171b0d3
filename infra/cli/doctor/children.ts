// Children without an owner. No Website updates them, and nothing deletes them.
import { requestFor } from '../../../functions/cluster/collection.ts';
import { pages } from '../../../functions/cluster/pages.ts';
import { Places } from '../../../functions/cluster/places.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import type { ChildObject } from '../../../functions/website/children/kind.ts';
import { KINDS } from '../../../functions/website/children/kinds.ts';
import {
  CHILD_SELECTOR,
  controllerOf,
  MANAGED_BY,
  websiteNameIn,
} from '../../../functions/website/children/metadata.ts';
import { apiPath, keyText } from '../../../functions/website/resource.ts';
import { ifRefused } from '../errors.ts';
import type { Finding } from './finding.ts';

/** A list without specs and statuses, which are most of a child. */
const METADATA_ALONE = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

type Listed = Pick<ChildObject, 'metadata'>;

/**
 * Whether each child has an owner. An orphaning deletion removes it, and so does a restore from a backup.
 * @param namespaces all if undefined.
 */
export async function childrenFinding(
  transport: Transport,
  namespaces: readonly string[] | undefined,
): Promise<Finding> {
  const check = 'children';
  let seen = 0;
  let orphaned = 0;
  let first: { readonly kind: string; readonly website: string; readonly metadata: Listed['metadata'] } | undefined;
  const count = async (kind: (typeof KINDS)[number], namespace: string | undefined) => {
    for await (const page of listsOf(transport, kind, namespace))
      for (const { metadata } of page) {
        const website = websiteNameIn(kind.kind, metadata.name);
        if (website === undefined || metadata.labels?.['app.kubernetes.io/instance'] !== website) continue;
        seen++;
        if (controllerOf({ metadata }) !== undefined || metadata.deletionTimestamp !== undefined) continue;
        orphaned++;
        first ??= { kind: kind.kind, website, metadata };
      }
  };
  for (const kind of KINDS)
    for (const namespace of namespaces ?? [undefined])
      // The cluster may lack an optional API.
      await ifRefused(count(kind, namespace), ['NotFound', 'UnknownResource'], undefined);
  if (first === undefined) return { check, state: 'ok', message: 'Each child has an owner' };
  const { kind, website, metadata } = first;
  return {
    check,
    state: 'problem',
    message: `${orphaned} of ${seen} children ${orphaned === 1 ? 'has' : 'have'} no owner, first ${kind} ${keyText(metadata)}`,
    toDo: `website explain ${website} -n ${metadata.namespace}, if there is such a Website. Otherwise apply it again, which adopts what its spec declares, or: kubectl delete ${kind.toLowerCase()} ${metadata.name} -n ${metadata.namespace}. To keep the child without a Website, remove its label ${MANAGED_BY}`,
  };
}

async function* listsOf(
  transport: Transport,
  { plural, apiVersion }: (typeof KINDS)[number],
  namespace: string | undefined,
): AsyncGenerator<readonly Listed[]> {
  const request = requestFor({ name: plural, prefix: apiPath(apiVersion), namespace }, 'list');
  const list = { ...request, query: { labelSelector: CHILD_SELECTOR }, accept: METADATA_ALONE };
  for await (const page of pages(transport, list, new Places(1)))
    yield (page as { readonly items: readonly Listed[] | null }).items ?? [];
}
