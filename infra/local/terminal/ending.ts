import type { Options } from '../options.ts';

/** What is left after Ctrl-C. */
export function endingOf({ kubeconfig, data }: Pick<Options, 'kubeconfig' | 'data'>): string {
  if (kubeconfig !== undefined) return 'Stopped. The CRD, the rights and the Websites stay in the cluster.';
  if (data !== undefined) return `Stopped. No program is left running. The cluster's data is in ${data}.`;
  return 'Stopped. Nothing was left behind: no program, no file.';
}
