// What Knative's controllers do, as far as a reader of docs/deploy/knative.md sees it: objects become Ready, and a PingSource pings.
import { setTimeout as delay } from 'node:timers/promises';
import { quietly } from '../kubernetes/kubectl.ts';
import type { SimulatedNodes } from './simulated-nodes.ts';

const READY = JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'True' }] } });
const KINDS = 'services.serving.knative.dev,sinkbindings.sources.knative.dev';
const EVERY_MS = 200;

/** Runs them until they are stopped. */
export function startKnativeControllers(kubectl: string, kubeconfig: string, nodes: SimulatedNodes) {
  const stopping = new AbortController();
  const run = (...args: string[]) => quietly(kubectl, ['--kubeconfig', kubeconfig, ...args]);

  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      const names = await run('get', KINDS, '-n', 'website-reconciler', '-o', 'name').catch(() => '');
      for (const name of names.split('\n').filter(Boolean))
        // It may be deleted meanwhile.
        await run('patch', '-n', 'website-reconciler', name, '--type=merge', '-p', READY).catch(() => {});
      const sources = await run('get', 'pingsources', '-n', 'website-reconciler', '-o', 'name').catch(() => '');
      if (sources.includes('pingsource') && nodes.sink !== undefined) await ping(nodes.sink);
      await delay(EVERY_MS);
    }
  }
  const working = work();
  return {
    async stop() {
      stopping.abort();
      await working;
    },
  };
}

/** The functions may end meanwhile. */
async function ping(sink: string): Promise<void> {
  const attributes = {
    specversion: '1.0',
    id: '1',
    source: '/pingsources/website-resync',
    type: 'dev.knative.sources.ping',
  };
  const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
  await fetch(sink, { method: 'POST', headers }).catch(() => {});
}
