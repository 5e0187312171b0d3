import { describe, expect, it } from 'vitest';
import type { Website } from '../../../functions/website/resource.ts';
import { endingOf } from '../../../infra/local/terminal/ending.ts';
import { summaryLines, websiteToTry, type Summary } from '../../../infra/local/terminal/summary.ts';

const SUMMARY: Summary = {
  took: '12.3 s',
  address: { kubeconfig: '/tmp/website-reconciler-a1b2c3/admin.kubeconfig' },
  cluster: 'local',
  links: [
    ['functions', 'http://127.0.0.1:41455/readyz'],
    ['forwarder', 'http://127.0.0.1:43225/readyz  http://127.0.0.1:43225/metrics'],
    ['page', 'http://127.0.0.1:43226/'],
    ['logs', '/tmp/website-reconciler-a1b2c3/logs'],
  ],
  website: { namespace: 'default', name: 'hello' },
  kubectl: 'npm run kubectl --',
};

describe('The summary of npm start', () => {
  it.each(['local', 'own'] as const)('fits on a terminal together with a table (%s)', (cluster) => {
    const lines = summaryLines({ ...SUMMARY, cluster });
    expect(lines.length).toBeLessThanOrEqual(18);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('states the kubeconfig once, the URLs, and three commands to try', () => {
    const lines = summaryLines(SUMMARY);
    const about = (text: string) => lines.filter((line) => line.includes(text));
    expect(about('kubeconfig')).toEqual(['  export KUBECONFIG=/tmp/website-reconciler-a1b2c3/admin.kubeconfig']);
    expect(about('kubectl --')).toHaveLength(3);
    expect(about('http://')).toHaveLength(3);
    expect(about('Pods are simulated')).toHaveLength(1);
  });

  const triesOf = (website: Summary['website']) =>
    summaryLines({ ...SUMMARY, kubectl: 'kubectl', website })
      .filter((line) => line.startsWith('  kubectl'))
      .map((line) => line.trim().slice('kubectl '.length));

  it('suggests commands for a Website that exists, and otherwise the sample', () => {
    expect(triesOf({ namespace: 'default', name: 'hello' }).slice(1)).toEqual([
      'scale web hello --replicas 3',
      'delete deploy hello-deployment',
    ]);
    expect(triesOf({ namespace: 'team-a', name: 'shop' }).slice(1)).toEqual([
      'scale web shop -n team-a --replicas 3',
      'delete deploy shop-deployment -n team-a',
    ]);
    expect(triesOf(undefined).slice(1)).toEqual([
      'apply -f crds/samples/minimal.yaml',
      'delete deploy hello-deployment',
    ]);
  });

  it('prefers a Website that is ready, because another one may have no Deployment', () => {
    const named = (name: string, status = 'False') =>
      ({
        metadata: { namespace: 'default', name, generation: 1 },
        status: { observedGeneration: 1, conditions: [{ type: 'Ready', status }] },
      }) as unknown as Website;
    expect(websiteToTry([])).toBeUndefined();
    expect(websiteToTry([named('a'), named('b')])?.name).toBe('a');
    expect(websiteToTry([named('a'), named('b', 'True')])?.name).toBe('b');
  });

  it("names the context of the user's own cluster, quoted for a shell", () => {
    const address = { kubeconfig: '/home/a b/config', context: "it's" };
    const text = summaryLines({ ...SUMMARY, cluster: 'own', address }).join('\n');
    expect(text).toContain("export KUBECONFIG='/home/a b/config'");
    expect(text).toContain(String.raw`--context 'it'\''s' get web`);
    expect(text).not.toContain('simulated');
  });
});

it.each([
  [{ kubeconfig: undefined, data: undefined }, 'Nothing was left behind'],
  [{ kubeconfig: undefined, data: 'kept' }, "The cluster's data is in kept"],
  [{ kubeconfig: 'config', data: undefined }, 'stay in the cluster'],
])('The last line says what remains with the options %j', (options, sentence) => {
  expect(endingOf(options)).toContain(sentence);
});
