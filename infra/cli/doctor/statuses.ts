// What the programs report about themselves at /statusz: through the API server, or at the URL that the user gives.
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { shownUrl } from '../../../functions/cluster/shown-url.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { statusz, type Statusz } from '../../../functions/statusz.ts';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { answerAt, isGood, jsonOf } from '../answer.ts';

export type Program = 'functions' | 'forwarder';

/** One process of a program. */
export interface Running {
  readonly program: Program;
  /** Such as `Pod website-functions-6c9f7b8d5-9xkqz`, or its URL. */
  readonly where: string;
  readonly isReady: boolean;
  /** `older`: it is of a release that has no /statusz. `azure`: it runs as Azure Functions, which do not serve it. */
  readonly status: Statusz | 'older' | 'azure' | Missing;
}

interface Missing {
  readonly missing: string;
  /** Another program answers in its place. */
  readonly other?: Program;
}

const TIMEOUT_MS = 10_000;

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: {
    readonly containers?: readonly { readonly ports?: readonly { name?: string; containerPort: number }[] }[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Both names, since a Website named website-functions has Pods of that name too. */
const SELECTOR =
  'app.kubernetes.io/name in (website-functions,website-forwarder),app.kubernetes.io/component in (functions,forwarder)';

/** The Pods of both programs. @throws ClusterError */
export async function statusesOfPods(namespace: string, transport: Transport): Promise<Running[]> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods`;
  const what = `list pods in namespace ${namespace}`;
  const query = new URLSearchParams({ labelSelector: SELECTOR, limit: '100' });
  const list = await transport.json({ method: 'GET', path: `${path}?${query.toString()}`, what });
  const pods = (list as { readonly items: readonly Pod[] }).items.filter(
    ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase === 'Running',
  );
  return Promise.all(
    pods.map(async (pod): Promise<Running> => {
      const { name, labels = {} } = pod.metadata;
      const program = labels['app.kubernetes.io/component'] === 'forwarder' ? 'forwarder' : 'functions';
      const isReady =
        pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
      const status = await proxied(`${path}/${name}:${portOf(pod)}/proxy/statusz`, name, transport);
      return { program, where: `Pod ${name}`, isReady, status };
    }),
  );
}

function portOf({ spec }: Pod): number {
  const ports = spec?.containers?.flatMap((container) => container.ports ?? []) ?? [];
  return (ports.find(({ name }) => name === 'http') ?? ports[0])?.containerPort ?? 8080;
}

async function proxied(path: string, pod: string, transport: Transport): Promise<Running['status']> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return statusOf(await transport.json({ method: 'GET', path, what: `get pods/proxy of ${pod}`, signal }));
  } catch (error) {
    if (signal.aborted) return { missing: `Could not get pods/proxy of ${pod}: no answer within 10 s` };
    if (!(error instanceof ClusterError)) throw error;
    return error.status === 404 ? 'older' : { missing: error.message };
  }
}

/** The program at a URL of this machine, for example after `kubectl port-forward`. */
export async function statusAt(program: Program, url: URL): Promise<Running> {
  const where = shownUrl(url);
  const at = { program, where, isReady: true };
  try {
    const response = await answerAt(new URL('/statusz', url), { timeoutMs: TIMEOUT_MS });
    if (isGood(response)) {
      const status = statusOf(jsonOf(response));
      const other = otherThan(program, status);
      return { ...at, status: other === undefined ? status : { missing: `${where} is that of the ${other}`, other } };
    }
    if (program === 'functions' && response.status === 404 && (await asksForKey(url)))
      return { ...at, status: 'azure' };
    return { ...at, status: { missing: `${where} answers ${response.status} to /statusz` } };
  } catch (error) {
    return { ...at, status: { missing: messageOf(error) } };
  }
}

/** Azure asks for a key before it calls the function of the history. It answers 404 for a function that is not there. */
async function asksForKey(url: URL): Promise<boolean> {
  const { status } = await answerAt(new URL('/api/history', url), { timeoutMs: TIMEOUT_MS });
  return status === 401;
}

/** Only the functions resync. This identifies them in a release that does not name its program. */
function otherThan(expected: Program, status: Running['status']): Program | undefined {
  if (typeof status !== 'object' || 'missing' in status) return undefined;
  const program = status.program ?? (status.resync === undefined ? undefined : 'functions');
  return program === expected ? undefined : program;
}

function statusOf(answer: unknown): Running['status'] {
  const parsed = statusz.safeParse(answer);
  return parsed.success ? parsed.data : { missing: 'its /statusz is not that of the Website Reconciler' };
}
