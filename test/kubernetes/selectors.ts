import type { Labels, Manifest } from './rendered.ts';

/** Pods of ours that something speaks of, and the ports by which they are to be reached. */
export interface Selection {
  /** Of which object. */
  readonly by: string;
  /** All that the Pods may be, one of which each has to be. */
  readonly labels: readonly Labels[];
  /** By name or by number. */
  readonly ports: readonly (string | number)[];
}

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly { readonly key: string; readonly values: readonly string[] }[];
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
      return [{ by, labels: [selector], ports: numbers(ports) }];
    }
    if (kind === 'PodDisruptionBudget') {
      return [{ by, labels: alternatives((spec as { selector: Selector }).selector), ports: [] }];
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
      peer === undefined || namespaceSelector !== undefined ? [] : [alternatives(peer)],
    );
  return [
    { by, labels: alternatives(podSelector), ports: ingress.flatMap(({ ports }) => numbers(ports)) },
    ...ingress.flatMap(({ from }) => ours(from).map((labels) => ({ by, labels, ports: [] }))),
    ...egress.flatMap(({ to, ports }) => ours(to).map((labels) => ({ by, labels, ports: numbers(ports) }))),
  ];
}

const numbers = (ports: readonly Port[] = []) => ports.map(({ port, targetPort }) => targetPort ?? port ?? 0);

const alternatives = ({ matchLabels, matchExpressions = [] }: Selector): readonly Labels[] =>
  matchExpressions.length === 0
    ? [matchLabels ?? {}]
    : matchExpressions.flatMap(({ key, values }) => values.map((value) => ({ ...matchLabels, [key]: value })));
