// What names Websites and their parts, without the schema.

/** The coordinates of the custom resource. */
export const GROUP = 'stable.example.com';
export const VERSION = 'v1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = 'Website';
export const PLURAL = 'websites';

/** The URL path of an API version. Only the core API, `v1`, has no group. */
export const apiPath = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** Annotation that asks for a reconcile now. `status.lastHandledReconcileAt` acknowledges its value. */
export const REQUESTED_AT = `${PLURAL}.${GROUP}/requestedAt`;

/** Names one Website. It holds neither the Website's state nor what happened to it. */
export interface WebsiteKey {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`: a key as text in logs, maps and `partitionkey`. */
export const keyText = ({ namespace, name }: WebsiteKey): string => `${namespace}/${name}`;

/** The conditions that the functions write. All others belong to other programs. */
export const OUR_CONDITIONS: ReadonlySet<string> = new Set(['Ready', 'Reconciling', 'Stalled']);
