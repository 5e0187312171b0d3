/**
 * Whether `version` is older than `than`. Versions of one resource compare as whole numbers (Kubernetes API concepts, "Resource
 * versions"). If either is not a number, the order is unknown and the result is `false`.
 */
export function isOlder(version: string, than: string): boolean {
  if (!isNumber(version) || !isNumber(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

/** Up to 20 digits, because etcd counts in 64 bits. */
export const isNumber = (version: string): boolean => /^[1-9]\d{0,19}$/.test(version);
