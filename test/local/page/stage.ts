// `npm start` as a user runs it, with Websites of every kind.
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { eventually } from '../../eventually.ts';
import type { Program } from '../../program.ts';
import { createWebsite, patchWebsite } from '../../real-cluster.ts';
import { npmStart } from '../npm-start.ts';

export interface Stage {
  readonly program: Program;
  /** Of the page. */
  readonly url: string;
  readonly admin: Transport;
  stop(): Promise<void>;
}

/** @returns once the page is there and the sample Website is ready. */
export async function startStage(): Promise<Stage> {
  const program = npmStart(['--page', '0']);
  const printed = (pattern: RegExp) => {
    const [, found] = pattern.exec(program.text.join('\n')) ?? [];
    if (found === undefined) throw new Error(`It is not up: ${program.text.join('\n')} ${program.stderr.join('')}`);
    return found;
  };
  const kubeconfig = await eventually(() => printed(/export KUBECONFIG=(\S+)/), { deadlineMs: 90_000 });
  const url = await eventually(() => printed(/page +(http:\S+)/));
  const admin = await connect({ kubeconfig });
  const stop = async () => {
    await admin.close();
    await program.stop();
  };
  return { program, url, admin, stop };
}

/** Websites that are ready, in progress, not ready, suspended and parked, with a history. */
export async function createDemo(admin: Transport): Promise<void> {
  const namespaces = '/api/v1/namespaces';
  const post = (path: string, body: object) => admin.json({ method: 'POST', path, what: `create ${path}`, body });
  for (const name of ['checkout', 'docs', 'marketing'])
    await post(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  await post(`${namespaces}/docs/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'api-reference-service' },
    spec: { ports: [{ port: 80 }] },
  });
  const sites: Readonly<Record<string, object>> = {
    'checkout/cart': { image: 'nginx:1.29', replicas: 3, host: 'shop.example.com' },
    'checkout/pay': { image: 'registry.invalid/pay:2.4.0', replicas: 2, host: 'pay.example.com' },
    'docs/api-reference': { image: 'nginx:1.29', replicas: 1 },
    'docs/handbook': { image: 'ghcr.io/example/handbook:2026.11', replicas: 2, host: 'docs.example.com' },
    'docs/status-page': { image: 'nginx:1.29', replicas: 1, suspend: true },
    'marketing/archive': { image: 'nginx:1.27', replicas: 0 },
    'marketing/spring-sale': { image: 'nginx:1.29', replicas: 2, host: 'sale.example.com' },
  };
  for (const [key, spec] of Object.entries(sites)) {
    const [namespace = '', name = ''] = key.split('/');
    await createWebsite(admin, { namespace, name }, spec);
  }
}

export const scaleCart = (admin: Transport, replicas: number): Promise<unknown> =>
  patchWebsite(admin, { namespace: 'checkout', name: 'cart' }, { spec: { replicas } });
