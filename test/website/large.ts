import type { Transport } from '../../functions/cluster/transport.ts';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { WebsiteKey } from '../../functions/website/resource.ts';
import { install } from '../../infra/local/programs/install.ts';
import { eventually } from '../eventually.ts';
import { createWebsite, patch, removeWebsite } from '../real-cluster.ts';

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/websites.stable.example.com';
const ENV_RULES = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/env/x-kubernetes-validations';
const VALUE = 32_768;

/** A spec with so many characters in its variables. */
export function specOf(characters: number) {
  const count = Math.ceil(characters / VALUE);
  const env = Array.from({ length: count }, (_, index) => ({
    name: `V${index}`,
    value: 'x'.repeat(Math.min(VALUE, characters - index * VALUE)),
  }));
  return { image: 'nginx:1', replicas: 0, env };
}

/** Does work while the CRD is as it was before the variables had a bound in total, and puts the bound back. */
export async function withoutBound<T>(admin: Transport, namespace: string, work: () => Promise<T>): Promise<T> {
  await patch(admin, CRD, [{ op: 'remove', path: ENV_RULES }]);
  const probe = { namespace, name: 'probe' };
  // The API server takes a moment to act on another schema.
  await eventually(() => createWebsite(admin, probe, specOf(200_000)));
  const done = await work();
  await install(admin);
  await removeWebsite(admin, probe);
  await eventually(async () => {
    const refused = await createWebsite(admin, probe, specOf(200_000)).then(
      () => removeWebsite(admin, probe),
      (error: unknown) => error,
    );
    if (!(refused instanceof ClusterError)) throw new Error('The bound is not there yet');
  });
  return done;
}

/** What etcd takes as one object lies between these, in characters of the variables. */
const FITS = 1_560_000;
const TOO_LARGE = 1_575_000;
/** Less than any status takes. */
const EXACT = 32;

/** How many characters the variables of the largest Website may have that the API server takes. */
export async function largest(admin: Transport, key: WebsiteKey): Promise<number> {
  let [fits, tooLarge] = [FITS, TOO_LARGE];
  while (tooLarge - fits > EXACT) {
    const characters = Math.floor((fits + tooLarge) / 2);
    if (await isTaken(admin, key, characters)) fits = characters;
    else tooLarge = characters;
  }
  return fits;
}

async function isTaken(admin: Transport, key: WebsiteKey, characters: number): Promise<boolean> {
  try {
    await createWebsite(admin, key, specOf(characters));
  } catch (error) {
    if (!(error instanceof ClusterError) || !error.message.includes('request is too large')) throw error;
    return false;
  }
  await removeWebsite(admin, key);
  return true;
}
