import type { Cluster } from '../../../functions/cluster/cluster.ts';
import { differences } from '../../../functions/website/differences.ts';
import { API_VERSION, KIND, websiteSpec, type Website, type WebsiteKey } from '../../../functions/website/resource.ts';
import { withDryRuns } from '../../../functions/cluster/dry-run.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { isInconclusive, uncheckedOf, type Unchecked } from '../../../functions/cluster/unchecked.ts';
import { websitePath } from '../../../functions/cluster/kubernetes.ts';
import type { Defaults } from '../../../functions/website/defaults.ts';
import { UsageError } from '../../usage.ts';
import { problemsOf } from './manifest-problems.ts';
import type { Manifest } from './manifests.ts';
import type { Result } from '../command.ts';
import { planned, type FieldChange, type Planned, type PlannedChange } from './planned.ts';
import { codeOf, numbersOf, sorted, summaryText } from './plan-summary.ts';
import type { Refusal } from './refusal.ts';
import { printable, styled } from '../../text.ts';

/** Where the plan is made. */
export interface Target {
  readonly cluster: Cluster;
  readonly transport: Transport;
  readonly now: () => Date;
  /** The same cluster, where every write is a dry run. Defaults, webhooks and policies show then. */
  readonly server?: Cluster | undefined;
  /** What the operator of the functions has set. */
  readonly defaults?: Defaults | undefined;
}

/** What the next reconcile of this Website writes. @throws ClusterError */
export const planName = async (key: WebsiteKey, { cluster, now, server, defaults }: Target): Promise<Planned> =>
  planned(key, cluster, now, { server, defaults });

/** What the first reconcile after `kubectl apply` of these manifests writes. @throws ClusterError, UsageError */
export async function planManifests(manifests: readonly Manifest[], target: Target): Promise<Planned[]> {
  const { cluster, transport, now, server, defaults } = target;
  const plans: Planned[] = [];
  for (const manifest of manifests) {
    const local = async () => checked(manifest, await cluster.getWebsite(manifest.key));
    const { website, unchecked } =
      server === undefined ? { website: await local() } : await appliedOr(local, manifest, withDryRuns(transport));
    const plan = await planned(manifest.key, cluster, now, { website, server, defaults });
    plans.push(unchecked === undefined ? plan : { ...plan, unchecked: [unchecked, ...(plan.unchecked ?? [])] });
  }
  return plans;
}

/** The Website as the API server would store it, or as this program expects it if the API server did not check the manifest. */
async function appliedOr(
  local: () => Promise<Website>,
  manifest: Manifest,
  transport: Transport,
): Promise<{ readonly website: Website; readonly unchecked?: Unchecked }> {
  try {
    return { website: await applied(manifest, transport) };
  } catch (error) {
    if (!isInconclusive(error)) throw error;
    return { website: await local(), unchecked: uncheckedOf(KIND, manifest.key.name, error) };
  }
}

/** The Website as the API server would store it. @throws ClusterError with its message if it refuses the manifest. */
const applied = async ({ key, metadata, spec }: Manifest, transport: Transport): Promise<Website> =>
  (await transport.json({
    method: 'PATCH',
    path: `${websitePath(key)}?fieldManager=website-cli&force=true`,
    contentType: 'application/apply-patch+yaml',
    what: `apply websites ${key.namespace}/${key.name}`,
    body: { apiVersion: API_VERSION, kind: KIND, metadata: { ...metadata, ...key }, spec },
  })) as Website;

/** @throws UsageError if the API server would refuse the manifest by the schema of this release. */
function checked(manifest: Manifest, stored: Website | undefined): Website {
  const problems = problemsOf(manifest, stored);
  if (problems.length > 0) throw new UsageError(`${manifest.where}: ${problems.join('; ')}`);
  return websiteAfter(manifest, stored);
}

/** The Website as the API server would store it: a changed spec is a new generation. */
function websiteAfter({ key, metadata, spec }: Manifest, stored: Website | undefined): Website {
  if (stored === undefined) {
    const created = { ...metadata, ...key, uid: 'to be assigned', resourceVersion: '', generation: 1 };
    return { apiVersion: API_VERSION, kind: KIND, metadata: created, spec };
  }
  const { generation = 0 } = stored.metadata;
  const isChanged = differences(withDefaults(stored.spec), withDefaults(spec)).length > 0;
  return { ...stored, metadata: { ...stored.metadata, generation: generation + (isChanged ? 1 : 0) }, spec };
}

/** An invalid spec stays as it is: the plan reports its problem. */
function withDefaults(spec: unknown): unknown {
  const parsed = websiteSpec.safeParse(spec);
  return parsed.success ? parsed.data : spec;
}

export function planAnswer(plans: readonly Planned[]): Result {
  const parts = sorted(plans);
  return { text: [...plans.map(planText), summary(plans)].join('\n\n'), data: plans, code: codeOf(parts) };
}

function planText(plan: Planned): string {
  const { namespace, name, outcome, changes, refusedLastTime } = plan;
  const title = styled('bold', `Website ${namespace}/${name}`);
  if (outcome === 'gone') return `${title}\n  It is being deleted: the next reconcile writes nothing.`;
  const text = changes.length === 0 ? 'Nothing changes.' : changesText(plan);
  const refused = refusedLastTime === undefined ? [] : refusedLines(refusedLastTime);
  return [title, ...refused, text.replaceAll(/^/gm, '  '), ...statusLines(plan), ...readyLines(plan)].join('\n');
}

const refusedLines = ({ reason, message }: Refusal): string[] => [
  styled('red', `  The API server refused a write last time (${printable(reason)}): ${printable(message)}`),
  '  The functions try again what they could not write:',
];

function statusLines({ statusProblem, unchecked = [], statusUnchecked }: Planned): string[] {
  return [
    ...unchecked.map(
      ({ kind, name, why }) => `  ${kind} ${name} was not checked: its dry run failed: ${printable(why)}`,
    ),
    ...(statusProblem === undefined ? [] : [styled('red', `  ${printable(statusProblem)}`)]),
    ...(statusUnchecked === undefined ? [] : [`  The status was not checked: ${printable(statusUnchecked)}`]),
  ];
}

export const changesText = ({ changes }: Planned): string => changes.flatMap(changeLines).join('\n');

const SIGNS = { create: '+', replace: '~', delete: '-', scale: '~', 'update status': '~' } as const;
const STYLES = { '+': 'green', '~': 'yellow', '-': 'red' } as const;
const VERBS = {
  create: 'create',
  replace: 'update',
  delete: 'delete',
  scale: 'scale',
  'update status': 'update status of',
} as const;

function changeLines({ verb, kind, name, fields, restartsPods, isRefused }: PlannedChange): string[] {
  const sign = SIGNS[verb];
  const effect = `${restartsPods ? ' (replaces the Pods)' : ''}${isRefused === true ? ' (refused)' : ''}`;
  const title = `${sign} ${VERBS[verb]} ${kind} ${name}${effect}`;
  const shown = verb === 'update status' ? [] : fields;
  return [styled(STYLES[sign], title), ...shown.map((field) => `    ${fieldText(field)}`)];
}

function fieldText({ path, from, to }: FieldChange): string {
  if (from === undefined) return styled('green', `+ ${path}: ${valueText(to)}`);
  if (to === undefined) return styled('red', `- ${path}: ${valueText(from)}`);
  return styled('yellow', `~ ${path}: ${valueText(from)} -> ${valueText(to)}`);
}

const LONGEST_VALUE = 160;

function valueText(value: unknown): string {
  const text = printable(JSON.stringify(value));
  return text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}... (-o json shows all)`;
}

function readyLines({ status, changes, refusedLastTime, unchecked, statusUnchecked }: Planned): string[] {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  // A refused status stays as it was.
  if (ready === undefined || changes.some(({ isRefused }) => isRefused)) return [];
  const accepted =
    refusedLastTime === undefined && unchecked === undefined ? 'Right after it' : 'If the API server accepts it';
  const after = statusUnchecked === undefined ? accepted : 'If the API server accepts the status';
  const when = changes.length === 0 ? 'Ready is' : `${after}, Ready is`;
  return [`  ${when} ${ready.status} (${ready.reason}): ${printable(ready.message)}`];
}

function summary(plans: readonly Planned[]): string {
  const parts = sorted(plans);
  const { changing } = parts;
  const count = (...verbs: readonly PlannedChange['verb'][]) =>
    changing.flatMap(({ changes }) => changes).filter(({ verb }) => verbs.includes(verb)).length;
  return summaryText({
    ...numbersOf(parts),
    restarting: changing.filter(({ changes }) => changes.some(({ restartsPods }) => restartsPods)).length,
    seen: plans.length,
    details: `${count('create')} to create, ${count('replace', 'scale')} to update, ${count('delete')} to delete`,
  });
}
