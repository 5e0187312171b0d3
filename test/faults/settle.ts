import { ClusterError } from '../../functions/cluster/errors.ts';
import { API_VERSION, PLURAL, type Website } from '../../functions/website/resource.ts';
import type { Stage } from './stage.ts';

const READY = {
  type: 'Ready',
  status: 'True',
  lastTransitionTime: '2026-01-01T00:00:00Z',
  reason: 'Parked',
  message: '',
};

/** A state of a Website that the functions have read. */
export interface Seen {
  readonly generation: number;
  readonly version: number;
}

/**
 * From now on the sink does with every event what the functions do: it reads the Website and writes in its status which
 * generation that was. A Website that is settled asks for nothing, so that a list makes no good what was lost.
 * @returns what was read last, by uid.
 */
export function settling({ admin, namespace, sink }: Pick<Stage, 'admin' | 'namespace' | 'sink'>): Map<string, Seen> {
  const seen = new Map<string, Seen>();
  const settle = async (name: string): Promise<void> => {
    const path = `/apis/${API_VERSION}/namespaces/${namespace}/${PLURAL}/${name}`;
    const website = (await admin.json({ method: 'GET', path, what: `get websites ${name}` })) as Website;
    const { uid, resourceVersion, generation: observedGeneration = 0 } = website.metadata;
    const status = { observedGeneration, conditions: [READY] };
    await admin.json({ method: 'PUT', path: `${path}/status`, what: 'write the status', body: { ...website, status } });
    const before = seen.get(uid) ?? { generation: 0, version: 0 };
    seen.set(uid, {
      generation: Math.max(observedGeneration, before.generation),
      version: Math.max(Number(resourceVersion), before.version),
    });
  };
  const trying = async (name: string): Promise<void> => {
    try {
      await settle(name);
    } catch (error) {
      // It changed in between, or is gone; a test that has ended takes the namespace and the transport with it.
      if (error instanceof ClusterError && error.code === 'Conflict') await trying(name);
    }
  };
  sink.took = ({ name }) => void trying(name);
  return seen;
}
