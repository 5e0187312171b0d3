import type { Cluster } from './cluster/cluster.ts';
import type { Child, ChildKind, Children } from './website/children.ts';
import { differences } from './website/differences.ts';
import { decide, judge, type Context } from './website/reconcile.ts';
import { keyText, type Website, type WebsiteKey } from './website/resource.ts';

/** The keys of those that differ, in the order of the list. @throws ClusterError when a list cannot be read. */
export async function findDiffering(context: Context): Promise<{ seen: number; differing: WebsiteKey[] }> {
  const childrenOf = await readAllChildren(context.cluster);
  const differing: WebsiteKey[] = [];
  let seen = 0;
  for await (const page of context.cluster.listWebsites()) {
    seen += page.length;
    for (const website of page) {
      const { namespace, name } = website.metadata;
      if (mayDiffer(website, childrenOf({ namespace, name }), context)) differing.push({ namespace, name });
    }
  }
  return { seen, differing };
}

/** The children come first, as in `reconcile`: a Website that changes meanwhile then differs, and is looked at. */
async function readAllChildren(cluster: Cluster): Promise<(key: WebsiteKey) => Children> {
  const [deployment, service, ingress] = await Promise.all([
    byWebsite(cluster, 'Deployment'),
    byWebsite(cluster, 'Service'),
    byWebsite(cluster, 'Ingress'),
  ]);
  return (key) => ({ deployment: deployment(key), service: service(key), ingress: ingress(key) });
}

/**
 * The children of one kind, by their Website. All of them are kept until the Websites have come, so they are kept as text, and
 * without what nobody compares: as objects they would take five times as much.
 */
async function byWebsite<Kind extends ChildKind>(cluster: Cluster, kind: Kind) {
  const found = new Map<string, string>();
  const suffix = `-${kind.toLowerCase()}`;
  for await (const page of cluster.listChildren(kind)) {
    for (const child of page) {
      const { namespace, name } = child.metadata;
      if (name.endsWith(suffix)) found.set(keyText({ namespace, name: name.slice(0, -suffix.length) }), textOf(child));
    }
  }
  return (key: WebsiteKey): Extract<Child, { kind: Kind }> | undefined => {
    const text = found.get(keyText(key));
    return text === undefined ? undefined : (JSON.parse(text) as Extract<Child, { kind: Kind }>);
  };
}

const textOf = (child: Child): string =>
  JSON.stringify(child, (name, value: unknown) => (name === 'managedFields' ? undefined : value));

/** What cannot be compared, by a fault of ours, is reconciled: that says what is wrong, of this Website alone. */
function mayDiffer(website: Website, children: Children, context: Pick<Context, 'now'>): boolean {
  try {
    return differs(website, children, context);
  } catch {
    return true;
  }
}

function differs(website: Website, children: Children, { now }: Pick<Context, 'now'>): boolean {
  if (website.metadata.deletionTimestamp !== undefined) return false;
  const decision = decide(website, children);
  if (decision.plan.steps.length > 0) return true;
  const judged = judge(website, decision, { children, refusals: [] }, now());
  return differences(website.status, judged.status).length > 0;
}
