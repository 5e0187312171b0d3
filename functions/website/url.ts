import { childName, type Children } from './children.ts';
import type { Operation, Plan } from './plan.ts';
import type { Website, WebsiteSpec } from './resource.ts';

/** What there is to say where a site is reached. */
interface Routes {
  readonly spec: WebsiteSpec;
  readonly children: Children;
  /** What would still have to be written. A child that was not looked at was as desired. */
  readonly remaining: Plan;
}

/** Where the site is reached; nothing while the Service or the Ingress that leads there is missing, refused or not as desired. */
export function urlOf({ metadata: { name, namespace } }: Website, routes: Routes): string | undefined {
  const { host, tlsSecretName } = routes.spec;
  if (!leads('Service', routes)) return undefined;
  if (host === undefined) return `http://${childName('Service', name)}.${namespace}.svc`;
  if (host.startsWith('*.') || !leads('Ingress', routes)) return undefined;
  return `${tlsSecretName === undefined ? 'http' : 'https'}://${host}`;
}

function leads(kind: 'Service' | 'Ingress', { children, remaining: { steps, obstacles } }: Routes): boolean {
  // Beside an obstacle, no Ingress is planned for, so the plan does not say whether there is one.
  const isUnknown = kind === 'Ingress' && obstacles.length > 0 && children.ingress === undefined;
  const isBlocked = obstacles.some((obstacle) => obstacle.kind === kind);
  return (
    !isUnknown && !isBlocked && !steps.flat().some((operation) => operation.child.kind === kind && reroutes(operation))
  );
}

/** The rules and the certificate of an Ingress, the selector and the port of a Service; a label leads nowhere. */
const reroutes = (operation: Operation): boolean =>
  operation.verb !== 'replace' || operation.changed.some((path) => path.startsWith('spec'));
