import { aWebsite, SPEC } from '../fixtures/websites.ts';
import type { Labels, Manifest } from './rendered.ts';
import { desiredChild } from '../fixtures/children.ts';

/** Pods of ours that something speaks of, and the ports by which they are to be reached. */
export interface Selection {
  /** Of which object. */
  readonly by: string;
  readonly labels: Labels;
  /** By name or by number. */
  readonly ports: readonly (string | number)[];
}

interface Selector {
  readonly matchLabels?: Labels;
}
interface Port {
  readonly port?: string | number;
  readonly targetPort?: string | number;
}
interface Peer {
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
  readonly podSelector?: Selector;
  readonly namespaceSelector?: object;
}
interface PolicySpec {
  readonly podSelector: Selector;
  readonly ingress?: readonly { readonly from?: readonly Peer[]; readonly ports?: readonly Port[] }[];
  readonly egress?: readonly { readonly to?: readonly Peer[]; readonly ports?: readonly Port[] }[];
}

/** What Services, disruption budgets and network policies say of our own Pods. */
export function selectionsIn(manifests: readonly Manifest[]): Selection[] {
  return manifests.flatMap(({ apiVersion, kind, metadata, spec }) => {
    const by = `${kind} ${metadata.name}`;
    if (apiVersion === 'v1' && kind === 'Service') {
      const { selector, ports } = spec as { selector: Labels; ports: readonly Port[] };
      return [{ by, labels: selector, ports: numbers(ports) }];
    }
    if (kind === 'PodDisruptionBudget') {
      return [{ by, labels: labelsOf((spec as { selector: Selector }).selector), ports: [] }];
    }
    return kind === 'NetworkPolicy' ? selectionsOf(by, spec as PolicySpec) : [];
  });
}

/** Every rule that lets Pods out. */
export const waysOut = (manifests: readonly Manifest[]): { by: string; to?: readonly Peer[] }[] =>
  manifests
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .flatMap(({ metadata, spec }) =>
      ((spec as PolicySpec).egress ?? []).map((rule) => ({ ...rule, by: metadata.name })),
    );

function selectionsOf(by: string, { podSelector, ingress = [], egress = [] }: PolicySpec): Selection[] {
  const ours = (peers: readonly Peer[] = []) =>
    peers.flatMap(({ podSelector: peer, namespaceSelector }) =>
      peer === undefined || namespaceSelector !== undefined ? [] : [labelsOf(peer)],
    );
  return [
    { by, labels: labelsOf(podSelector), ports: ingress.flatMap(({ ports }) => numbers(ports)) },
    ...ingress.flatMap(({ from }) => ours(from).map((labels) => ({ by, labels, ports: [] }))),
    ...egress.flatMap(({ to, ports }) => ours(to).map((labels) => ({ by, labels, ports: numbers(ports) }))),
  ];
}

const numbers = (ports: readonly Port[] = []) => ports.map(({ port, targetPort }) => targetPort ?? port ?? 0);

const labelsOf = ({ matchLabels = {} }: Selector): Labels => matchLabels;

/** Whether a selector takes Pods with these labels. */
export const takes = (selector: Labels, labels: Labels = {}): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

/**
 * The selectors that would take the Pods of some Website: of one named like any label value that is selected by, which is the best
 * that a user with rights on Websites alone can do.
 */
export function selectorsOfWebsites(manifests: readonly Manifest[]): string[] {
  const selectors = manifests.flatMap((each) => podSelectorsIn(each, `${each.kind} ${each.metadata.name}`));
  if (selectors.length === 0) throw new Error('There is no selector to look at');
  const names = new Set(selectors.flatMap(({ labels }) => Object.values(labels)));
  return selectors.flatMap(({ path, labels }) =>
    [...names]
      .filter((name) => takes(labels, podLabelsOf(name)))
      .map((name) => `${path} takes Pods of Website ${name}`),
  );
}

function podLabelsOf(name: string): Labels | undefined {
  const website = aWebsite({ metadata: { name } });
  return desiredChild('Deployment', website, SPEC).spec.template.metadata?.labels;
}

/** The fields that select Pods, in objects of any kind: a namespace has selectors of its own. */
const POD_SELECTORS: ReadonlySet<string> = new Set(['selector', 'podSelector', 'labelSelector']);

/** Every selector of Pods at any depth of an object, with its path. */
function podSelectorsIn(value: unknown, path: string): { path: string; labels: Labels }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    POD_SELECTORS.has(key)
      ? [{ path: `${path}.${key}`, labels: plainLabels(`${path}.${key}`, inner as object) }]
      : podSelectorsIn(inner, `${path}.${key}`),
  );
}

function plainLabels(path: string, selector: object): Labels {
  const { matchExpressions, matchLabels, ...plain } = selector as Selector & { readonly matchExpressions?: unknown };
  if (matchExpressions !== undefined) throw new Error(`${path} has expressions, which this test does not read`);
  return matchLabels ?? plain;
}
