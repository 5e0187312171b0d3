import { messageOf } from './causes.ts';
import { ClusterError } from './errors.ts';

interface Log {
  warn(fields: object, message: string): void;
}

/** Called for a Kubernetes Event that could not be created. */
export type LostEvent = (namespace: string, error: unknown) => void;

/** The same Event exists, or its namespace is being deleted. */
const HARMLESS: ReadonlySet<string> = new Set(['AlreadyExists', 'NamespaceTerminating']);

/**
 * Logs once for each namespace and code that Kubernetes Events are lost, for example because an admission webhook refuses them.
 * Nothing depends on Events, but users look for them.
 */
export function loggingLostEventsOnce(log: Log): LostEvent {
  const logged = new Set<string>();
  return (namespace, error) => {
    const code = error instanceof ClusterError ? error.code : 'Internal';
    const what = `${namespace} ${code}`;
    if (HARMLESS.has(code) || logged.has(what)) return;
    logged.add(what);
    log.warn(
      { namespace, code, why: messageOf(error) },
      'Could not create Kubernetes Events, so only the status and this log report changes',
    );
  };
}
