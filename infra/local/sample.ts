import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '../../functions/cluster/transport.ts';
import { API_VERSION, PLURAL, type Website } from '../../functions/website/resource.ts';
import { applyFile } from './programs/install.ts';

const FILE = '../../../crds/samples/minimal.yaml';
const PATH = `/apis/${API_VERSION}/namespaces/default/${PLURAL}/hello`;
const POLL_MS = 50;

/** Applies the sample Website, and waits until it is ready. */
export async function applySample(transport: Transport): Promise<void> {
  await applyFile(transport, FILE);
  while (!(await isReady(transport))) await delay(POLL_MS);
}

async function isReady(transport: Transport): Promise<boolean> {
  const { metadata, status } = (await transport.json({
    method: 'GET',
    path: PATH,
    what: 'get the sample',
  })) as Website;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === metadata.generation;
}
