// The children that the last release wrote, under this release: nothing is written for a Website that uses nothing new.
import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../functions/website/children/deployment/object.ts';
import { desired } from '../../functions/website/plan/desired.ts';
import { plan } from '../../functions/website/plan/plan.ts';
import { websiteSpec } from '../../functions/website/resource.ts';
import { PREVIOUS_SPECS, storedPreviousChildren } from '../fixtures/previous-release.ts';
import { aWebsite } from '../fixtures/websites.ts';

const NO_BUDGET = { disruptionBudget: 'None' };

/** What is written where the last release left the children of a spec, and the spec is another now. */
function writes(file: string, spec: object) {
  const website = aWebsite({ spec });
  return plan(website, desired(website, websiteSpec.parse(spec)), storedPreviousChildren(file)).steps.flat();
}

describe.each(PREVIOUS_SPECS)('%s', (file, spec) => {
  it('leads to no write without a budget', () => {
    expect(writes(file, { ...spec, ...NO_BUDGET })).toEqual([]);
  });

  it('gets the budget that is the default now, and the mark for it, and no new Pod', () => {
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

describe('The preference for different zones and nodes', () => {
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
  ])('comes with %j, which replaces the Pods anyway', (change) => {
    expect(constraintsAfter(change)).toEqual(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
  });

  it.each([{ replicas: 5 }, { rollout: { maxSurge: 1 } }])('does not come with %j, which replaces no Pod', (change) => {
    expect(constraintsAfter(change)).toEqual([]);
    expect(writes('minimal', { ...spec, ...NO_BUDGET, ...change })).toHaveLength(1);
  });

  it('leaves the constraints of somebody else as they are', () => {
    const children = storedPreviousChildren('minimal');
    const theirs = [{ maxSkew: 3, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }];
    Object.assign(children.Deployment?.spec.template.spec ?? {}, { topologySpreadConstraints: theirs });
    const website = aWebsite({ spec: { ...spec, ...NO_BUDGET, image: 'nginx:1.30' } });
    const [operation] = plan(website, desired(website, websiteSpec.parse(website.spec)), children).steps.flat();
    expect((operation?.child as Deployment | undefined)?.spec.template.spec?.topologySpreadConstraints).toEqual(theirs);
  });
});
