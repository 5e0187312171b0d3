import { CARRIER, type Carrier, type Child, type Children, type SeenVersions } from '../website/children/kinds.ts';
import { childName } from '../website/children/metadata.ts';
import { keyText, type WebsiteKey } from '../website/resource.ts';
import type { Cluster } from './cluster.ts';
import { isOlder } from './resource-version.ts';

/** Most characters kept: about two thousand Deployments. */
const MOST = 4 * 1024 * 1024;
/** One large Deployment must not displace hundreds of others. */
const LONGEST = 64 * 1024;

/**
 * The Deployments that this process read or wrote last, as JSON. The content of an object at one version never changes. So a run that
 * writes under that version need not read the object again (docs/adr/0014-what-a-run-leaves-out.md). The oldest copies go first.
 */
export class KeptChildren {
  readonly #texts = new Map<string, { readonly version: string; readonly text: string }>();
  #size = 0;

  note(child: Carrier): void {
    const key = keyText(child.metadata);
    // managedFields are more than half of a Deployment, and an update does not send them.
    const text = JSON.stringify({ ...child, metadata: { ...child.metadata, managedFields: undefined } });
    this.#drop(key);
    if (text.length > LONGEST) return;
    this.#texts.set(key, { version: child.metadata.resourceVersion, text });
    this.#size += text.length;
    for (const oldest of this.#texts.keys()) {
      if (this.#size <= MOST) return;
      this.#drop(oldest);
    }
  }

  /**
   * What a run need not read. If the sender of an event saw a version, this is the copy of the Deployment at this version or a
   * newer one. If the sender saw that the Deployment is gone, the run does not look for it. Undefined if the run has to read it.
   */
  of({ namespace, name }: WebsiteKey, { [CARRIER]: seen }: SeenVersions): Children | undefined {
    if (seen === null) return { [CARRIER]: undefined };
    const kept = this.#texts.get(keyText({ namespace, name: childName(CARRIER, name) }));
    if (seen === undefined || kept === undefined) return undefined;
    if (kept.version !== seen && !isOlder(seen, kept.version)) return undefined;
    return { [CARRIER]: JSON.parse(kept.text) as Carrier };
  }

  #drop(key: string): void {
    this.#size -= this.#texts.get(key)?.text.length ?? 0;
    this.#texts.delete(key);
  }
}

/** The same cluster, and every Deployment that it returns is kept. */
export function keeping(cluster: Cluster, kept: KeptChildren): Cluster {
  const noted = <T extends Child | undefined>(child: T): T => {
    if (child?.kind === CARRIER) kept.note(child);
    return child;
  };
  return {
    ...cluster,
    getChild: async (kind, key, from) => noted(await cluster.getChild(kind, key, from)),
    create: async (child) => noted(await cluster.create(child)),
    replace: async (child) => noted(await cluster.replace(child)),
  };
}
