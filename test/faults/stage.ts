import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { API_VERSION, PLURAL, type Website, type WebsiteKey } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { startForwarder, type Program } from '../program.ts';
import { createNamespace } from '../real-cluster.ts';
import { faultProxy, sinkProxy, type FaultProxy, type Proxy } from './proxy.ts';
import { startSink, type Sink } from './sink.ts';

export const LIST = /\/websites\?(?!.*watch=1)/;
export const WATCH = /\/websites\?.*watch=1/;
/** Everything that is sent to a sink. */
export const EVENT = /^\//;

/** A namespace, a sink, and a forwarder between the two; on both of its sides something can go wrong. */
export interface Stage {
  readonly admin: Transport;
  readonly namespace: string;
  readonly sink: Sink;
  /** Between the forwarder and the API server. */
  readonly api: FaultProxy;
  /** Between the forwarder and the sink. */
  readonly wire: Proxy;
  key(name: string): WebsiteKey;
  /** The Websites of the namespace. */
  websites(): Promise<readonly Website[]>;
  /** Starts a forwarder. The flags given here override the defaults. */
  start(...flags: string[]): Promise<Program>;
  close(): Promise<void>;
}

/** Kubeconfigs of an administrator and of a forwarder. */
export interface Access {
  readonly kubeconfig: string;
  readonly forwarderKubeconfig: string;
}

export async function openStage({ kubeconfig, forwarderKubeconfig }: Access, name: string): Promise<Stage> {
  const admin = await connect({ kubeconfig });
  const namespace = await createNamespace(admin, name);
  const sink = await startSink(namespace);
  const [api, wire] = await Promise.all([faultProxy(forwarderKubeconfig), sinkProxy(sink.url)]);
  const programs: Program[] = [];
  return {
    admin,
    namespace,
    sink,
    api,
    wire,
    key: (each) => ({ namespace, name: each }),
    websites: () => websitesIn(admin, namespace),
    async start(...flags) {
      const given = ['--sink', wire.url, '--host', '127.0.0.1', '--port', '0', ...flags];
      // At level info, it thins out the lines about failed deliveries, and those of other tests would crowd out ours.
      const program = startForwarder(given, { KUBECONFIG: api.kubeconfig, LOG_LEVEL: 'debug' });
      programs.push(program);
      await program.line('Listening');
      return program;
    },
    async close() {
      const codes = await Promise.all(programs.map((program) => program.stop()));
      const ends = codes.map((code, index) => programs[index]?.process.signalCode ?? code);
      await admin.json({ method: 'DELETE', path: pathOf(namespace), what: 'delete websites' }).catch(() => {});
      await Promise.all([api.close(), wire.close(), sink.close(), admin.close()]);
      const wrong = ends.filter((end) => end !== 0 && end !== 'SIGKILL');
      if (wrong.length > 0) throw new Error(`Forwarders ended with ${wrong.join()}`);
    },
  };
}

const pathOf = (namespace: string): string => `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}`;

export async function websitesIn(admin: Transport, namespace: string): Promise<readonly Website[]> {
  const list = await admin.json({ method: 'GET', path: pathOf(namespace), what: 'list websites' });
  return (list as { items: Website[] }).items;
}

/** Waits until a forwarder has listed all and watches. */
export async function isReady(program: Program): Promise<void> {
  await eventually(async () => {
    const answer = await fetch(new URL('readyz', String((await program.line('Listening'))['url'])));
    if (answer.status !== 200) throw new Error(`The forwarder is not ready: ${await answer.text()}`);
  });
}

/** Lets the next watch of Websites fail with an expired version, and makes it start at once. */
export function forceList(api: Proxy): void {
  api.add({ path: WATCH, fault: { answer: 410, reason: 'Expired' }, times: 1 });
  api.cutAll();
}
