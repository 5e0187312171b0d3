import { withDryRuns } from '../../../functions/cluster/dry-run.ts';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import { websiteNamed, type ClusterCommand, type Surroundings } from '../command.ts';
import type { Connection } from '../connection.ts';
import { DEFAULT_OPTIONS, defaultsFrom, type DefaultFlags } from '../defaults.ts';
import { UsageError } from '../../usage.ts';
import { fleetAnswer, planFleet } from './fleet.ts';
import { manifestsIn } from './manifests.ts';
import { checkNamespaces } from './namespaces.ts';
import { planAnswer, planManifests, planName, type Target } from './plan.ts';
import type { Planned } from './planned.ts';

interface Flags extends DefaultFlags {
  readonly filename?: string;
  readonly all?: boolean;
  readonly server?: boolean;
  readonly namespace?: string;
}

export const planCommand: ClusterCommand<Flags> = {
  usage: 'plan [name]',
  about:
    'Show what the next reconcile writes. Exit code 3 if something would change; refused writes that are tried again do not count',
  options: [
    ['-f, --filename <file>', 'the Websites of this file, as if they were applied; - for standard input'],
    ['--all', 'all Websites, as this release would reconcile them: the preview of an upgrade'],
    ...DEFAULT_OPTIONS,
    ['--server', 'send the writes as dry runs, so that defaults, webhooks and policies show'],
  ],
  examples: ['plan shop', 'plan -f shop.yaml', 'plan -f shop.yaml --server', 'plan --all', 'plan --all -n team-a'],
  async ask(surroundings, flags, [name]) {
    const target = targetOf(surroundings, flags);
    checkOneOf(name, flags);
    if (flags.all === true) return fleetAnswer(await planFleet(target, surroundings.note));
    if (name === undefined) return planAnswer(await planFile(surroundings, flags, target));
    const { metadata } = await websiteNamed(name, surroundings);
    return planAnswer([await planName(metadata, target)]);
  },
};

async function planFile(
  { transport, namespace }: Connection,
  { filename = '', namespace: only }: Flags,
  target: Target,
): Promise<Planned[]> {
  const manifests = manifestsIn({ file: filename, namespace, only });
  await checkNamespaces(manifests, transport);
  return planManifests(manifests.websites, target);
}

function checkOneOf(name: string | undefined, { filename, all }: Flags): void {
  const given = [name, filename, all].filter((each) => each !== undefined);
  if (given.length !== 1) throw new UsageError('Give one of: a name, -f FILE, or --all. See website plan --help');
}

/** `--all` means all namespaces, unless a namespace is given. */
function targetOf({ transport, cluster, now }: Surroundings & Connection, flags: Flags): Target {
  const { all, server, namespace } = flags;
  return {
    cluster: all === true && namespace === undefined ? kubernetes(transport) : cluster,
    transport,
    now,
    defaults: defaultsFrom(flags),
    server: server === true ? kubernetes(withDryRuns(transport)) : undefined,
  };
}
