import { setTimeout as delay } from 'node:timers/promises';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { API_VERSION, PLURAL, type Website } from '../../../functions/website/resource.ts';
import { isReady } from '../../cli/list.ts';
import { applyFile } from './install.ts';

const FILE = '../../../crds/samples/minimal.yaml';
const REQUEST = {
  method: 'GET',
  path: `/apis/${API_VERSION}/namespaces/default/${PLURAL}/hello`,
  what: 'get the sample',
} as const;
const POLL_MS = 50;

/** Some Websites of the cluster, by name. */
export async function websitesIn(transport: Transport): Promise<readonly Website[]> {
  const path = `/apis/${API_VERSION}/${PLURAL}?limit=100`;
  return ((await transport.json({ method: 'GET', path, what: `list ${PLURAL}` })) as { items: Website[] }).items;
}

/** Applies the sample Website, and waits until it is ready. */
export async function applySample(transport: Transport): Promise<void> {
  await applyFile(transport, FILE);
  while (!isReady((await transport.json(REQUEST)) as Website)) await delay(POLL_MS);
}
