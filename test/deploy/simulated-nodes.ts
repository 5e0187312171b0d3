// What the simulated nodes leave out: to start in our Pods what is in their images, here, with the settings, accounts and tokens of the Pods.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { tokenOf, writeKubeconfigFor } from '../../infra/local/programs/kubeconfig.ts';
import { quietly } from '../kubernetes/kubectl.ts';
import { tokensOf, variablesOf, workloadsIn, type Manifest, type Workload } from '../kubernetes/rendered.ts';
import { startForwarder, startFunctions, type Program } from '../program.ts';

const PROGRAM = /\/website-(forwarder|functions)[:@]/;

export class SimulatedNodes {
  readonly #kubectl: string;
  readonly #kubeconfig: string;
  readonly #folder: string;
  /** By the name of the workload. */
  readonly #running = new Map<string, Program>();
  #sink: string | undefined;

  /** Where the functions listen, once they run. */
  get sink(): string | undefined {
    return this.#sink;
  }

  constructor(kubectl: string, kubeconfig: string, folder: string) {
    this.#kubectl = kubectl;
    this.#kubeconfig = kubeconfig;
    this.#folder = folder;
  }

  /** Our own workloads, without the children of Websites. */
  async workloads(): Promise<Workload[]> {
    const kubectl = (...args: string[]) => quietly(this.#kubectl, ['--kubeconfig', this.#kubeconfig, ...args]);
    const served = await kubectl('api-resources', '-o', 'name');
    const kinds = ['deployments.apps', 'cronjobs.batch', 'services.serving.knative.dev'].filter((kind) =>
      served.includes(`${kind}\n`),
    );
    const others = 'app.kubernetes.io/managed-by!=website-reconciler';
    const list = await kubectl('get', kinds.join(), '-A', '-l', others, '-o', 'json');
    return workloadsIn((JSON.parse(list) as { items: Manifest[] }).items);
  }

  /** Starts what is there and does not run yet, and stops what is gone. */
  async settle(): Promise<void> {
    const workloads = (await this.workloads()).filter(
      ({ kind, name, container }) =>
        kind !== 'CronJob' && name !== 'website-dead-letters' && PROGRAM.test(container.image),
    );
    for (const [name, program] of this.#running) {
      if (workloads.some((each) => each.name === name)) continue;
      this.#running.delete(name);
      await program.stop();
    }
    const functions = workloads.find(({ name }) => name === 'website-functions');
    const forwarder = workloads.find(({ name }) => name === 'website-forwarder');
    if (functions !== undefined) await this.#start(functions);
    if (functions !== undefined && forwarder !== undefined) await this.#start(forwarder);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map((program) => program.stop()));
  }

  async #start(workload: Workload): Promise<void> {
    const { name, namespace, template } = workload;
    if (this.#running.has(name)) return;
    const transport = await connect({ kubeconfig: this.#kubeconfig });
    const account = template.spec.serviceAccountName ?? '';
    const address = { kubeconfig: this.#kubeconfig };
    const path = join(this.#folder, `.${name}.kubeconfig`);
    const KUBECONFIG = await writeKubeconfigFor(account, { transport, address, path, namespace });
    const here = { HOST: '127.0.0.1', PORT: '0', KUBECONFIG };
    if (name === 'website-functions') {
      const program = startFunctions({ ALLOW_ANONYMOUS: '', ...variablesOf(workload), ...here });
      this.#running.set(name, program);
      this.#sink = String((await program.line('Listening'))['url']);
    } else {
      const token = await this.#tokenFor(workload, transport);
      const program = startForwarder([], { ...variablesOf(workload), ...here, ...token, SINK: this.#sink ?? '' });
      this.#running.set(name, program);
      await program.line('Listening');
    }
    await transport.close();
  }

  /** The token for the functions, as the kubelet mounts it. */
  async #tokenFor({ namespace, name, template, ...workload }: Workload, transport: Transport) {
    const wanted = tokensOf({ namespace, name, template, ...workload }).find(({ audience }) => audience !== undefined);
    if (wanted?.audience === undefined) return {};
    const account = template.spec.serviceAccountName ?? '';
    const SINK_TOKEN_FILE = join(this.#folder, `.${name}.token`);
    writeFileSync(SINK_TOKEN_FILE, await tokenOf(account, { transport, namespace, audience: wanted.audience }));
    return { SINK_TOKEN_FILE };
  }
}
