// For each field about Pods, when it belongs to the spec: if the spec states it, or stated it when the Deployment was written.
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../../functions/website/children/deployment/object.ts';
import { plan } from '../../../../functions/website/plan/plan.ts';
import { desiredChild } from '../../../fixtures/children.ts';
import { aWebsite, SPEC } from '../../../fixtures/websites.ts';
import { STATED } from '../../../../functions/website/children/metadata.ts';

type Fields = { readonly [field: string]: unknown };

/** The field of the Deployment, of its Pods or of their container, that a spec states with the second object and somebody else with the third. */
const FIELDS: readonly (readonly [
  place: 'spec' | 'pod' | 'container',
  field: string,
  stated: object,
  theirs: unknown,
])[] = [
  ['container', 'command', { command: ['ours'] }, ['theirs']],
  ['container', 'args', { args: ['ours'] }, ['theirs']],
  ['container', 'envFrom', { envFrom: [{ secretRef: { name: 'ours' } }] }, [{ secretRef: { name: 'theirs' } }]],
  ['container', 'livenessProbe', { health: { path: '/' } }, { tcpSocket: { port: 'http' } }],
  ['container', 'startupProbe', { health: { path: '/' } }, { exec: { command: ['theirs'] } }],
  ['pod', 'imagePullSecrets', { imagePullSecrets: [{ name: 'ours' }] }, [{ name: 'theirs' }]],
  ['pod', 'serviceAccountName', { serviceAccountName: 'ours' }, 'theirs'],
  ['pod', 'nodeSelector', { placement: { nodeSelector: { a: 'ours' } } }, { a: 'theirs' }],
  ['pod', 'tolerations', { placement: { tolerations: [{ key: 'ours' }] } }, [{ key: 'theirs' }]],
  ['spec', 'strategy', { rollout: { maxSurge: 1 } }, { type: 'Recreate' }],
];

function placesIn({ spec }: Deployment): Record<'spec' | 'pod' | 'container', Fields> {
  const pod = spec.template.spec ?? { containers: [] };
  const [container] = pod.containers;
  if (container === undefined) throw new Error('The Deployment has no container');
  return { spec, pod, container };
}

/** The Deployment of a spec as it is stored. */
function stored(spec: object, annotations: object = {}): Deployment {
  const deployment = structuredClone(desiredChild('Deployment', aWebsite(), spec)) as unknown as Deployment;
  Object.assign(deployment.metadata, { uid: 'uid-d', resourceVersion: '7', generation: 1 });
  Object.assign(deployment.metadata.annotations ?? {}, annotations);
  return deployment;
}

/** The Deployment under another spec. */
function under(spec: object, deployment: Deployment): Deployment {
  const [operation] = plan(
    aWebsite(),
    { Deployment: desiredChild('Deployment', aWebsite(), spec) },
    { Deployment: deployment },
  ).steps.flat();
  return (operation?.child as Deployment | undefined) ?? deployment;
}

describe.each(FIELDS)('%s.%s', (place, field, stated, theirs) => {
  const fieldIn = (deployment: Deployment) => placesIn(deployment)[place][field];
  const withTheirs = (deployment: Deployment) => {
    Object.assign(placesIn(deployment)[place], { [field]: theirs });
    return deployment;
  };
  const ours = fieldIn(stored({ ...SPEC, ...stated }));
  const byDefault = fieldIn(stored(SPEC));

  it('has our value while the spec states it', () => {
    expect(fieldIn(under({ ...SPEC, ...stated }, stored(SPEC)))).toEqual(ours);
    const deployment = withTheirs(stored({ ...SPEC, ...stated }));
    expect(fieldIn(under({ ...SPEC, ...stated }, deployment))).toEqual(ours);
  });

  it('returns to its default when it leaves the spec', () => {
    expect(fieldIn(under(SPEC, stored({ ...SPEC, ...stated })))).toEqual(byDefault);
  });

  it('keeps the value of others while the spec does not state it', () => {
    expect(fieldIn(under({ ...SPEC, image: 'nginx:2' }, withTheirs(stored(SPEC))))).toEqual(theirs);
  });

  it('keeps the value of others if the annotation of stated fields is missing', () => {
    const deployment = withTheirs(stored(SPEC, { [STATED]: undefined }));
    expect(fieldIn(under({ ...SPEC, image: 'nginx:2' }, deployment))).toEqual(theirs);
  });
});

it('The default readiness probe returns when health leaves the spec', () => {
  const probeIn = (deployment: Deployment) => placesIn(deployment).container['readinessProbe'];
  const health = { path: '/healthz' };
  const deployment = stored({ ...SPEC, health });
  expect(probeIn(deployment)).toMatchObject({ httpGet: { path: '/healthz', port: 'http' } });
  expect(probeIn(under(SPEC, deployment))).toEqual(probeIn(stored(SPEC)));
  expect(probeIn(under({ ...SPEC, health }, stored(SPEC)))).toEqual(probeIn(deployment));
});

it.each([
  [{ periodSeconds: 1 }, { periodSeconds: 2, failureThreshold: 30 }],
  [{ failureThreshold: 1 }, { periodSeconds: 2, failureThreshold: 30 }],
  [{ periodSeconds: 20 }, { periodSeconds: 20, failureThreshold: 30 }],
  [{ timeoutSeconds: 9 }, { timeoutSeconds: 9, periodSeconds: 2, failureThreshold: 30 }],
])('A startup probe with %j from others still allows the whole start-up time', (theirs, expected) => {
  const spec = { ...SPEC, health: { path: '/' } };
  const deployment = stored(spec);
  Object.assign(placesIn(deployment).container['startupProbe'] as object, theirs);
  expect(placesIn(under(spec, deployment)).container['startupProbe']).toMatchObject(expected);
});

it('automountServiceAccountToken always follows the spec', () => {
  const deployment = stored(SPEC);
  Object.assign(placesIn(deployment).pod, { automountServiceAccountToken: true });
  expect(placesIn(under(SPEC, deployment)).pod['automountServiceAccountToken']).toBe(false);
  const asked = { ...SPEC, automountServiceAccountToken: true };
  expect(placesIn(under(asked, stored(SPEC))).pod['automountServiceAccountToken']).toBe(true);
});
