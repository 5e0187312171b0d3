import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { connect } from '../functions/cluster/transport.ts';
import { PROGRAMS } from '../infra/local/binaries/versions.ts';
import { startControlPlane, type ControlPlane } from '../infra/local/control-plane/control-plane.ts';
import { install, installGatewayApi } from '../infra/local/programs/install.ts';
import { writeKubeconfigFor } from '../infra/local/programs/kubeconfig.ts';
import { found } from './found.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of an administrator: what a test does as a user or a third party. */
    kubeconfig: string;
    functionsKubeconfig: string;
    forwarderKubeconfig: string;
    /** Every request that the API server answered, a JSON object a line. */
    auditLog: string;
  }
}

/** One control plane for all projects of a run, although vitest sets up each project separately. */
const shared = globalThis as { controlPlane?: Promise<ControlPlane>; controlPlaneUsers?: number };

export async function setup(project: TestProject): Promise<void> {
  shared.controlPlaneUsers = (shared.controlPlaneUsers ?? 0) + 1;
  shared.controlPlane ??= start();
  const { kubeconfig, folder } = await shared.controlPlane;
  project.provide('kubeconfig', kubeconfig);
  project.provide('functionsKubeconfig', join(folder, 'website-functions.kubeconfig'));
  project.provide('forwarderKubeconfig', join(folder, 'website-forwarder.kubeconfig'));
  project.provide('auditLog', join(folder, 'logs', 'audit.log'));
}

export async function teardown(): Promise<void> {
  shared.controlPlaneUsers = (shared.controlPlaneUsers ?? 1) - 1;
  if (shared.controlPlaneUsers > 0) return;
  await (await shared.controlPlane)?.stop();
}

async function start(): Promise<ControlPlane> {
  const began = performance.now();
  const binaries = await found(PROGRAMS);
  const controlPlane = await startControlPlane({ binaries, audit: 'on', ownership: 'enforced' });
  const address = { kubeconfig: controlPlane.kubeconfig };
  const transport = await connect(address);
  await install(transport);
  await installGatewayApi(transport);
  for (const account of ['website-forwarder', 'website-functions'] as const) {
    await writeKubeconfigFor(account, { transport, address, path: join(controlPlane.folder, `${account}.kubeconfig`) });
  }
  await transport.close();
  process.stderr.write(`Control plane is up after ${((performance.now() - began) / 1000).toFixed(1)} s\n`);
  return controlPlane;
}
