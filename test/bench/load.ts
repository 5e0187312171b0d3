// What a phase is given, and what it returns.
import type { Transport } from '../../functions/cluster/transport.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import type { Requests } from './requests.ts';
import type { Change } from './stages.ts';
import type { Running } from './subjects.ts';
import type { Expectation, Tracker } from './tracker.ts';

/** How much is asked for. */
export interface Load {
  readonly websites: number;
  readonly site: SiteName;
  /** One at a time. */
  readonly singles: number;
  /** Deployments that are scaled by hand, and as many that are deleted. */
  readonly drifts: number;
  readonly idleSeconds: number;
  readonly churn: { readonly perSecond: number; readonly seconds: number };
}

/** Where it happens. */
export interface Stage {
  readonly transport: Transport;
  readonly namespaces: readonly string[];
  readonly tracker: Tracker;
  readonly running: Running;
  readonly load: Load;
}

/** What came of a phase. */
export interface Course {
  readonly expectations: readonly Expectation[];
  /** Requests of the phase's own, which are not the subject's. */
  readonly own: Requests;
  /** What became of each change of a Website, where the stages matter. */
  readonly changes?: readonly Change[];
  /** Further figures, by name. */
  readonly figures?: Readonly<Record<string, number>>;
}

const IMAGE = 'nginx:1.29';
/** What is declared. No rival makes an Ingress or a PodDisruptionBudget, which a `routed` site has. */
export const SITES = {
  plain: { image: IMAGE, replicas: 2, disruptionBudget: 'None' },
  routed: { image: IMAGE, replicas: 2, host: 'shop.example.com' },
} as const;
export type SiteName = keyof typeof SITES;
/** A subject that is not done by then never will be: an API server takes 60 ms of CPU for the 20,000th Website. */
export const deadlineMs = ({ websites }: Load): number => 900_000 + websites * 60;

export const keyOf = ({ namespaces }: Stage, prefix: string, index: number): WebsiteKey => ({
  namespace: namespaces[index % namespaces.length] ?? '',
  name: `${prefix}-${index}`,
});
