/**
 * Whether one version is from before the other. Versions of one resource compare as whole numbers (Kubernetes API
 * concepts, "Resource versions"); what is not a number is nothing that we can say.
 */
export function isOlder(version: string, than: string): boolean {
  if (!isNumber(version) || !isNumber(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

/** etcd counts in 64 bits. */
export const isNumber = (version: string): boolean => /^[1-9]\d{0,19}$/.test(version);
