// The record, on the Deployment, of the other children that its spec desires. It shows a run for the next spec whether they stay the same.
import { CARRIER, type Carrier, type Child, type DesiredChildren } from '../children/kinds.ts';
import type { Desired } from '../children/kind.ts';
import { GENERATION, generationOn, isStamped, OTHERS } from '../children/metadata.ts';
import { digest } from '../digest.ts';

/**
 * Records on the Deployment which other children this spec desires, such as `4.81a5c3b07e9d2f66`: the generation, and a digest of the
 * desired objects. A Website whose other children are the same for every spec has no such record.
 */
export function withRecord(wanted: DesiredChildren): DesiredChildren {
  const carrier = wanted[CARRIER];
  if (carrier === undefined || !othersIn(wanted).some(isStamped)) return wanted;
  const { metadata } = carrier;
  const annotations = { ...metadata.annotations, [OTHERS]: `${generationOn(carrier)}.${digestOf(wanted)}` };
  return { ...wanted, [CARRIER]: { ...carrier, metadata: { ...metadata, annotations } } };
}

const digestOf = (wanted: DesiredChildren): string =>
  digest(JSON.stringify(othersIn(wanted).map((child) => withStamp(child, undefined))));

const othersIn = (wanted: DesiredChildren): Desired<Child>[] =>
  Object.values(wanted).filter((child) => child !== undefined && child.kind !== CARRIER);

export const withStamp = (child: Desired<Child>, stamp: string | undefined) => ({
  ...child,
  metadata: { ...child.metadata, annotations: { ...child.metadata.annotations, [GENERATION]: stamp } },
});

/** Whether the Deployment was written by a release that records the others, and records the same ones. */
export function recordsSame(have: Carrier, want: Desired<Carrier> | undefined): boolean {
  const [there = '', wanted = ''] = [have, want].map((carrier) => carrier?.metadata.annotations?.[OTHERS]);
  return wanted !== '' && there === `${generationOn(have)}${wanted.slice(wanted.indexOf('.'))}`;
}
