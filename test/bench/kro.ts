// kro has no code for Websites. A ResourceGraphDefinition says what a Website consists of, and kro creates the CRD from it.
import { globSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Transport } from '../../functions/cluster/transport.ts';
import { GROUP, PLURAL } from '../../functions/website/resource.ts';
import { applyFile, untilServed } from '../../infra/local/programs/install.ts';
import { remove } from '../real-cluster.ts';

const MODULE = 'github.com/kubernetes-sigs/kro';
const VERSION = 'v0.9.4';
const GRAPHS = 'resourcegraphdefinitions';
const GRAPHS_API = 'kro.run/v1alpha1';

/** As many Websites at a time as the others, and no limit that only slows it down. */
const FLAGS = {
  'dynamic-controller-concurrent-reconciles': 32,
  'dynamic-controller-rate-limiter-rate-limit': 10_000,
  'dynamic-controller-rate-limiter-burst-limit': 10_000,
  'client-qps': 10_000,
  'client-burst': 10_000,
  'metrics-bind-address': '127.0.0.1:0',
  'health-probe-bind-address': '127.0.0.1:0',
};

/** The program as released, and its CRDs, which the Go module holds too. */
export const kroSteps = (output: string): [string, ...string[]][] => [
  ['env', `GOBIN=${output}`, 'go', 'install', `${MODULE}/cmd/controller@${VERSION}`],
  ['sh', '-c', `cp -r "$(go env GOMODCACHE)/${MODULE}@${VERSION}/helm/crds" ${output} && chmod -R u+w ${output}/crds`],
];

export const kroCommand = (output: string): string[] => [
  `${output}/controller`,
  ...Object.entries(FLAGS).map(([flag, value]) => `-${flag}=${value}`),
];

/** Replaces our CRD by the definition from which kro makes its own. */
export async function defineWebsite(transport: Transport, output: string): Promise<void> {
  await remove(transport, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${PLURAL}.${GROUP}`);
  for (const file of globSync(`${output}/crds/*.yaml`)) await applyFile(transport, file);
  await untilServed(transport, GRAPHS_API, GRAPHS);
  const graph = parse(readFileSync(new URL('rivals/kro/website.yaml', import.meta.url), 'utf8')) as object;
  await transport.json({
    method: 'POST',
    path: `/apis/${GRAPHS_API}/${GRAPHS}`,
    body: graph,
    what: 'define the Website',
  });
}
