import type { ClusterAddress } from '../../../functions/cluster/credentials/kubeconfig-source.ts';
import type { Website, WebsiteKey } from '../../../functions/website/resource.ts';
import { isReady } from '../../cli/list.ts';
import { styled } from '../../text.ts';

export interface Summary {
  /** How long the start took, for example `12.3 s`. */
  readonly took: string;
  readonly address: ClusterAddress;
  readonly cluster: 'local' | 'own';
  /** What can be opened: a name, and a URL or a folder. */
  readonly links: readonly (readonly [name: string, where: string])[];
  /** The Website for the commands to try. Undefined if there is no Website. */
  readonly website: WebsiteKey | undefined;
  /** The command that runs kubectl. */
  readonly kubectl: string;
}

/** What to know and to try once everything runs. */
export function summaryLines({ took, address, cluster, links, website, kubectl }: Summary): string[] {
  const context = address.context === undefined ? '' : ` --context ${quoted(address.context)}`;
  const command = (text: string) => `  ${styled('cyan', `${kubectl}${context} ${text}`)}`;
  const width = Math.max(...links.map(([name]) => name.length));
  return [
    '',
    `${styled(['bold', 'green'], `Ready after ${took}.`)} To use this cluster in another terminal:`,
    `  ${styled('cyan', `export KUBECONFIG=${quoted(address.kubeconfig ?? '')}`)}`,
    '',
    ...links.map(([name, where]) => `  ${name.padEnd(width)}  ${where}`),
    '',
    'Try:',
    command('get web,deploy,svc'),
    ...tries(website).map(command),
    ...(cluster === 'local'
      ? ['Pods are simulated: no image is pulled or run. Ctrl-C stops everything.']
      : [
          'The CRD and the rights stay after Ctrl-C. To remove them with all Websites:',
          command('delete -f crds/website.yaml'),
          command('delete -k infra/kubernetes/rights'),
        ]),
    '',
  ];
}

/** Commands that work with the Websites that there are: each leads to something to see. */
function tries(website: WebsiteKey | undefined): readonly string[] {
  if (website === undefined) return ['apply -f crds/samples/minimal.yaml', 'delete deploy hello-deployment'];
  const { namespace, name } = website;
  const where = namespace === 'default' ? '' : ` -n ${namespace}`;
  return [`scale web ${name}${where} --replicas 3`, `delete deploy ${name}-deployment${where}`];
}

/** The Website to try the commands with: one that is ready, so that it has a Deployment. */
export const websiteToTry = (websites: readonly Website[]): WebsiteKey | undefined =>
  (websites.find(isReady) ?? websites[0])?.metadata;

/** For a shell, if it needs quotes. */
const quoted = (text: string): string => (/^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
