// The children that the last release wrote. This release writes nothing for a Website without new fields.
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { desired } from '../../functions/website/plan/desired.ts';
import { plan } from '../../functions/website/plan/plan.ts';
import { websiteSpec } from '../../functions/website/resource.ts';
import { PREVIOUS_SPECS, storedPreviousChildren } from '../fixtures/previous-release.ts';
import { aWebsite } from '../fixtures/websites.ts';

const NO_BUDGET = { disruptionBudget: 'None' };

/** The writes after an upgrade, for the last release's children and a new spec. */
function writes(file: string, spec: object) {
  const website = aWebsite({ spec });
  return plan(website, desired(website, websiteSpec.parse(spec)), storedPreviousChildren(file)).steps.flat();
}

describe.each(PREVIOUS_SPECS)('%s', (file, spec) => {
  it('gets no write if its spec has no budget', () => {
    expect(writes(file, { ...spec, ...NO_BUDGET })).toEqual([]);
  });

  it('gets the budget that is now the default and the annotation for it, and keeps its Pods', () => {
    const isParked = file === 'parked';
    const all = writes(file, spec).map((operation) => [
      operation.verb,
      operation.child.kind,
      operation.verb === 'replace' ? operation.changed : [],
    ]);
    const mark = ['metadata.annotations.websites.stable.example.com/optional-children'];
    expect(all).toEqual(
      isParked
        ? []
        : [
            ['replace', 'Deployment', expect.arrayContaining(mark)],
            ['create', 'PodDisruptionBudget', []],
          ],
    );
    for (const [, , paths] of all) expect(String(paths)).not.toContain('spec.');
  });
});

describe('The topology spread over zones and nodes', () => {
  const [, spec] = PREVIOUS_SPECS[0] ?? ['', {}];
  const constraintsAfter = (change: object) =>
    writes('minimal', { ...spec, ...NO_BUDGET, ...change }).flatMap(({ child }) =>
      child.kind === 'Deployment'
        ? ((child as Deployment).spec.template.spec?.topologySpreadConstraints ?? []).map((each) => each.topologyKey)
        : [],
    );

  it.each([
    { image: 'nginx:1.30' },
    { env: [{ name: 'A', value: 'a' }] },
    { health: { path: '/' } },
    { placement: { nodeSelector: { disk: 'ssd' } } },
  ])('is added together with %j, which replaces the Pods anyway', (change) => {
    expect(constraintsAfter(change)).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
  });

  it.each([{ replicas: 5 }, { rollout: { maxSurge: 1 } }])(
    'is not added together with %j, which replaces no Pod',
    (change) => {
      expect(constraintsAfter(change)).toEqual([]);
      expect(writes('minimal', { ...spec, ...NO_BUDGET, ...change })).toHaveLength(1);
    },
  );

  it('keeps the constraints of others unchanged', () => {
    const children = storedPreviousChildren('minimal');
    const theirs = [{ maxSkew: 3, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }];
    Object.assign(children.Deployment?.spec.template.spec ?? {}, { topologySpreadConstraints: theirs });
    const website = aWebsite({ spec: { ...spec, ...NO_BUDGET, image: 'nginx:1.30' } });
    const [operation] = plan(website, desired(website, websiteSpec.parse(website.spec)), children).steps.flat();
    expect((operation?.child as Deployment | undefined)?.spec.template.spec?.topologySpreadConstraints).toEqual(theirs);
  });
});
