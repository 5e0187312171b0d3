import { parseArgs } from 'node:util';
import { messageOf } from '../../functions/cluster/causes.ts';
import { urlFrom } from '../cli/url.ts';
import { portFrom, UsageError } from '../usage.ts';

export const USAGE = `Usage: npm start -- [flags]

Starts a control plane on this machine, the forwarder and the functions, and shows a sample Website becoming ready.
Ctrl-C stops everything. The -- before the flags is needed: npm keeps other flags for itself.

  --kubeconfig FILE   use this cluster instead of starting a control plane
  --context NAME      kubeconfig context to use; default: the current context
  --yes               install the CRD and the RBAC rules in that cluster without asking
  --data DIR          keep the cluster's data in DIR, and reuse it on the next start
  --port N            port of the functions; default: a free port
  --page PORT         port of the page in the browser, or off for none; default: 8090, or a free port if that is taken
  --otlp URL          send metrics and traces to this collector of OpenTelemetry, such as http://localhost:4318
  --json              print the programs' logs as JSON instead of the live view
  --help              print this text

npm run kubectl -- ARGS runs kubectl against the cluster of the npm start that runs.
If several run, KUBECONFIG chooses one of their clusters.
The programs get no settings from your shell, such as OTEL_EXPORTER_OTLP_ENDPOINT: use --otlp.
`;

export interface Options {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly consent: 'given' | 'ask';
  readonly data: string | undefined;
  /** 0 picks a free port. */
  readonly port: number;
  /** The port of the page. `default` is `DEFAULT_PORT`, or a free one if that is taken. */
  readonly page: number | 'default' | 'off';
  /** The URL of a collector. Without it, the programs send no metrics and no traces. */
  readonly otlp: string | undefined;
  readonly output: 'live' | 'json';
}

/** Parses the command line. @returns `help` if the command line asks for it. @throws UsageError */
export function optionsFrom(args: readonly string[]): Options | 'help' {
  const values = parsed(args);
  if (values.help === true) return 'help';
  // An unset variable of a script is an empty value.
  const empty = Object.entries(values).find(([, value]) => value === '')?.[0];
  if (empty !== undefined) throw new UsageError(`--${empty} must not be empty`);
  const contradiction = contradictionIn(values);
  if (contradiction !== undefined) throw new UsageError(contradiction);
  return {
    kubeconfig: values.kubeconfig,
    context: values.context,
    consent: values.yes === true ? 'given' : 'ask',
    data: values.data,
    port: portFrom(values.port),
    page: pageFrom(values.page),
    otlp: values.otlp === undefined ? undefined : urlFrom('--otlp', values.otlp, COLLECTOR).href,
    output: values.json === true ? 'json' : 'live',
  };
}

const COLLECTOR = {
  must: 'the http or https URL of a collector, such as http://localhost:4318',
  instead: 'start the programs one by one, and set OTEL_EXPORTER_OTLP_HEADERS',
};

function pageFrom(text: string | undefined): Options['page'] {
  if (text === undefined) return 'default';
  return text === 'off' ? text : portFrom(text, '--page must be off or');
}

function contradictionIn({ kubeconfig, context, data, yes }: ReturnType<typeof parsed>): string | undefined {
  if (kubeconfig === undefined && yes === true) {
    return '--yes requires --kubeconfig: the local control plane is installed without a question';
  }
  if (kubeconfig === undefined && context !== undefined) {
    return '--context requires --kubeconfig: the local control plane has only one context';
  }
  if (kubeconfig !== undefined && data !== undefined) {
    return '--data cannot be combined with --kubeconfig: it keeps the data of the local control plane';
  }
  return undefined;
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        kubeconfig: { type: 'string' },
        context: { type: 'string' },
        yes: { type: 'boolean' },
        data: { type: 'string' },
        port: { type: 'string' },
        page: { type: 'string' },
        otlp: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    // Node adds two lines of advice to one of its messages.
    throw new UsageError(`${messageOf(error).split('\n', 1)[0]?.replace(/\.$/, '')}. See npm start -- --help`);
  }
}
