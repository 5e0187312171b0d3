// What users do with a Website, as tables for the tests that break runs of it.
import { OPTIONAL_KINDS, type ChildKind } from '../../functions/website/children/kinds.ts';
import { askingFor } from '../fixtures/asking.ts';

/** One step of a user, after which the Website is reconciled until it is settled. */
export type Step = { readonly apply: Readonly<Record<string, unknown>> } | { readonly remove: true };

const PLAIN = { image: 'nginx:1', replicas: 2, disruptionBudget: 'None' };
/** With a PodDisruptionBudget. */
const BUDGET = { image: 'nginx:1', replicas: 2 };
const AUTOSCALED = { image: 'nginx:1', autoscaling: { minReplicas: 2, maxReplicas: 4 } };
const EXTERNAL = { image: 'nginx:1', autoscaling: { external: true } };
const FULL = {
  ...PLAIN,
  host: 'shop.example.com',
  tlsSecretName: 'shop-tls',
  env: [
    { name: 'A', value: '1' },
    { name: 'B', value: '2' },
  ],
};

const ROUTED = { ...FULL, gateway: { name: 'public' } };

function comingAndGoing(kind: ChildKind): [string, Step[]][] {
  const asking = { ...PLAIN, ...askingFor(kind) };
  return [
    [`its ${kind} is added`, [{ apply: PLAIN }, { apply: asking }]],
    [`its ${kind} is taken away`, [{ apply: asking }, { apply: PLAIN }]],
  ];
}

/** Each ends in another state of the cluster; the writes of all steps together are every write there is. */
export const SCENARIOS: Readonly<Record<string, readonly Step[]>> = {
  'a Website is created': [{ apply: PLAIN }],
  'a Website with a host is created': [{ apply: FULL }],
  'the image changes': [{ apply: PLAIN }, { apply: { ...PLAIN, image: 'nginx:2' } }],
  'it is scaled': [{ apply: PLAIN }, { apply: { ...PLAIN, replicas: 5 } }],
  'it is parked, and taken up again': [{ apply: PLAIN }, { apply: { ...PLAIN, replicas: 0 } }, { apply: PLAIN }],
  'a host is taken away, and given back': [{ apply: FULL }, { apply: PLAIN }, { apply: FULL }],
  'a host is added while a budget is taken away': [{ apply: BUDGET }, { apply: FULL }],
  'it is autoscaled from the beginning': [{ apply: AUTOSCALED }],
  'autoscaling is taken away': [{ apply: AUTOSCALED }, { apply: { ...PLAIN, replicas: 1 } }],
  'it is parked, and autoscaled again': [
    { apply: AUTOSCALED },
    { apply: { ...AUTOSCALED, replicas: 0 } },
    { apply: AUTOSCALED },
  ],
  'something else scales it': [{ apply: EXTERNAL }],
  'something else scales it from now on': [{ apply: { ...PLAIN, replicas: 3 } }, { apply: EXTERNAL }],
  'its class leaves an Ingress': [{ apply: { ...FULL, ingressClassName: 'nginx' } }, { apply: FULL }],
  'a Gateway takes the place of an Ingress': [{ apply: FULL }, { apply: ROUTED }],
  'an Ingress takes the place of a Gateway': [{ apply: ROUTED }, { apply: FULL }],
  'variables leave the environment': [{ apply: FULL }, { apply: { ...FULL, env: [{ name: 'B', value: '2' }] } }],
  'it is suspended, changed, and resumed': [
    { apply: PLAIN },
    { apply: { ...PLAIN, suspend: true } },
    { apply: { ...PLAIN, image: 'nginx:2', suspend: true } },
    { apply: { ...PLAIN, image: 'nginx:2' } },
  ],
  ...Object.fromEntries(OPTIONAL_KINDS.flatMap(({ kind }) => comingAndGoing(kind))),
  'it is deleted, and made again': [{ apply: FULL }, { remove: true }, { apply: PLAIN }],
};
