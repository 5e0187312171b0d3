import type { ClusterAddress } from '../../../functions/cluster/credentials.ts';
import { styled } from '../../text.ts';

export interface Summary {
  /** How long the start took, for example `12.3 s`. */
  readonly took: string;
  readonly address: ClusterAddress;
  readonly cluster: 'local' | 'own';
  /** What can be opened: a name, and a URL or a folder. */
  readonly links: readonly (readonly [name: string, where: string])[];
  /** The command that runs kubectl. */
  readonly kubectl: string;
}

/** What to know and to try once everything runs. */
export function summaryLines({ took, address, cluster, links, kubectl }: Summary): string[] {
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
    cluster === 'local' ? command('scale web hello --replicas 3') : command('apply -f crds/samples/minimal.yaml'),
    command('delete deploy hello-deployment'),
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

/** For a shell, if it needs quotes. */
const quoted = (text: string): string => (/^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
