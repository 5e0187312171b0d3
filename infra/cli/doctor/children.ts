// Children without an owner. No Website updates them, and nothing deletes them.
import { requestFor } from '../../../functions/cluster/collection.ts';
import { websitePath } from '../../../functions/cluster/kubernetes.ts';
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
import { apiPath, keyText, type WebsiteKey } from '../../../functions/website/resource.ts';
import { ifRefused } from '../errors.ts';
import type { Finding } from './finding.ts';

/** A list without specs and statuses, which are most of a child. */
const METADATA_ALONE = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

type Listed = Pick<ChildObject, 'metadata'>;

interface Orphan {
  readonly kind: string;
  readonly metadata: Listed['metadata'];
  /** The Website that its name and its label stand for. */
  readonly website: WebsiteKey;
}

/** Most children that the finding names. */
const MOST_NAMED = 5;

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
  const named: Orphan[] = [];
  const count = async (kind: (typeof KINDS)[number], namespace: string | undefined) => {
    for await (const page of listsOf(transport, kind, namespace))
      for (const { metadata } of page) {
        const name = websiteNameIn(kind.kind, metadata.name);
        if (name === undefined || metadata.labels?.['app.kubernetes.io/instance'] !== name) continue;
        seen++;
        if (controllerOf({ metadata }) !== undefined || metadata.deletionTimestamp !== undefined) continue;
        orphaned++;
        const website = { namespace: metadata.namespace, name };
        if (named.length < MOST_NAMED) named.push({ kind: kind.kind, metadata, website });
      }
  };
  for (const kind of KINDS)
    for (const namespace of namespaces ?? [undefined])
      // The cluster may lack an optional API.
      await ifRefused(count(kind, namespace), ['NotFound', 'UnknownResource'], undefined);
  if (orphaned === 0) return { check, state: 'ok', message: 'Each child has an owner' };
  const names = named.map(({ kind, metadata }) => `${kind} ${keyText(metadata)}`).join(', ');
  const more = orphaned > named.length ? ` and ${orphaned - named.length} more` : '';
  const all = more === '' ? [] : ['docs/cli.md has the command that lists all'];
  const keep = `To keep a child without a Website, remove its label ${MANAGED_BY}`;
  return {
    check,
    state: 'problem',
    message: `${orphaned} of ${seen} children ${orphaned === 1 ? 'has' : 'have'} no owner: ${names}${more}`,
    toDo: [...(await remediesOf(named, transport)), ...all, keep].join('. '),
  };
}

/** What to do, by whether the Website of a child exists. */
async function remediesOf(orphans: readonly Orphan[], transport: Transport): Promise<string[]> {
  const byWebsite = [...Map.groupBy(orphans, ({ website }) => keyText(website)).values()];
  const found = await Promise.all(
    byWebsite.map(async (of) => ({ of, state: await stateOf(of[0]?.website, transport) })),
  );
  const those = (state: Existence) => found.filter((each) => each.state === state).map(({ of }) => of);
  const [existing, gone, hidden] = [those('exists'), those('gone'), those('unknown')];
  return [
    ...(existing.length === 0 ? [] : [explainText(existing)]),
    ...(gone.length === 0
      ? []
      : [`There is no Website ${websitesOf(gone).map(keyText).join(', ')}: ${goneText(gone)}`]),
    ...(hidden.length === 0
      ? []
      : [`${explainText(hidden)}, if there is such a Website. Otherwise ${goneText(hidden)}`]),
  ];
}

type ByWebsite = readonly (readonly Orphan[])[];

const websitesOf = (groups: ByWebsite): WebsiteKey[] => groups.flatMap(([first]) => first?.website ?? []);

const explainText = (groups: ByWebsite): string =>
  websitesOf(groups)
    .map(({ name, namespace }) => `website explain ${name} -n ${namespace}`)
    .join('; ');

function goneText(groups: ByWebsite): string {
  const deletions = groups
    .flat()
    .map(({ kind, metadata }) => `kubectl delete ${kind.toLowerCase()} ${metadata.name} -n ${metadata.namespace}`);
  return `apply it again, which adopts what its spec declares, or: ${deletions.join('; ')}`;
}

type Existence = 'exists' | 'gone' | 'unknown';

async function stateOf(key: WebsiteKey | undefined, transport: Transport): Promise<Existence> {
  if (key === undefined) return 'unknown';
  const read = transport.json({ method: 'GET', path: websitePath(key), what: `get websites ${keyText(key)}` });
  const state = read.then((): Existence => 'exists');
  // Without the CRD, the doctor has another finding.
  return ifRefused(ifRefused(state, ['NotFound'], 'gone'), ['Forbidden', 'UnknownResource'], 'unknown');
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
