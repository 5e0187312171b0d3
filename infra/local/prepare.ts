import { createInterface } from 'node:readline/promises';
import type { ClusterAddress } from '../../functions/cluster/credentials/kubeconfig-source.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { GROUP, PLURAL } from '../../functions/website/resource.ts';
import { UsageError } from '../usage.ts';
import { cacheFolder, findBinaries } from './binaries/binaries.ts';
import { isOnPath } from './binaries/executable.ts';
import { allSources } from './binaries/sources.ts';
import { PROGRAMS } from './binaries/versions.ts';
import { startControlPlane, type ControlPlane } from './control-plane/control-plane.ts';
import type { Options } from './options.ts';
import { install, installGatewayApi } from './programs/install.ts';
import { contextOf, NAMESPACE } from './programs/kubeconfig.ts';
import type { Steps } from './terminal/steps.ts';

export interface Preparation {
  readonly steps: Steps;
  readonly warn: (text: string) => void;
  /** Rejects at Ctrl-C. */
  readonly stopped: Promise<never>;
  /** Registers what to do at the end, in reverse order. */
  readonly atEnd: (cleanup: () => Promise<unknown>) => void;
}

export interface Prepared {
  /** Absent for the user's own cluster. */
  readonly local: ControlPlane | undefined;
  readonly address: ClusterAddress;
  readonly transport: Transport;
  /** `new` for a control plane without data of an earlier start. */
  readonly age: 'new' | 'kept';
}

/** Starts a control plane, or connects to the user's cluster, and installs the CRD and the RBAC rules. */
export async function prepareCluster(options: Options, preparation: Preparation): Promise<Prepared> {
  const { steps, stopped, atEnd } = preparation;
  const local = options.kubeconfig === undefined ? await startLocal(options, preparation) : undefined;
  const failure = local === undefined ? stopped : Promise.race([stopped, local.failure]);
  const step = <T>(name: string, work: Promise<T>) => steps.step(name, Promise.race([work, failure]));
  const address: ClusterAddress = { kubeconfig: local?.kubeconfig ?? options.kubeconfig, context: options.context };
  const transport = await connect(address);
  atEnd(() => transport.close());
  if (local === undefined) {
    await step(`Connection to ${transport.server}`, reach(transport));
    if (options.consent === 'ask') await Promise.race([askToInstall(address, transport.server), stopped]);
  }
  const age = local === undefined || (await isInstalled(transport)) ? 'kept' : 'new';
  await step('CRD and RBAC rules', install(transport));
  if (local !== undefined) await step('CRDs of the Gateway API', installGatewayApi(transport));
  return { local, address, transport, age };
}

async function startLocal({ data }: Options, { steps, warn, stopped, atEnd }: Preparation): Promise<ControlPlane> {
  const search = {
    programs: [...PROGRAMS, ...(isOnPath('kubectl') ? [] : (['kubectl'] as const))],
    assets: process.env['KUBEBUILDER_ASSETS'],
    cache: cacheFolder(process.env),
    sources: allSources(),
    progress: steps.progress,
  };
  const binaries = await steps.step('Programs of the control plane', Promise.race([findBinaries(search), stopped]));
  const starting = startControlPlane({ binaries, data, note: (line) => steps.progress(line), warn });
  // Registered before the control plane is ready, so that a signal during the start leaves nothing behind.
  atEnd(async () => (await starting.catch(() => undefined))?.stop());
  return steps.step('Control plane', Promise.race([starting, stopped]));
}

async function reach(transport: Transport): Promise<void> {
  await transport.json({ method: 'GET', path: '/version', what: 'reach the cluster' });
}

async function isInstalled(transport: Transport): Promise<boolean> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${PLURAL}.${GROUP}`;
  try {
    await transport.json({ method: 'GET', path, what: `get the CRD ${PLURAL}.${GROUP}` });
    return true;
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'NotFound') return false;
    throw error;
  }
}

async function askToInstall(address: ClusterAddress, server: string): Promise<void> {
  const what = `the CRD ${PLURAL}.${GROUP}, the namespace ${NAMESPACE} and its RBAC`;
  const question = `Install ${what} in context ${contextOf(address)} at ${server}? [y/N] `;
  if (!process.stdin.isTTY)
    throw new UsageError(
      'Cannot ask before installing the CRD, because stdin is not a terminal: pass --yes to agree, after the --',
    );
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await prompt.question(question);
  prompt.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('Cancelled: nothing was installed');
}
