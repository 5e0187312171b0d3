import { describe, expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import { REQUESTED_AT, type Website } from '../../../functions/website/resource.ts';
import { KINDS } from '../../../functions/website/children/kinds.ts';
import { explain } from '../../../infra/cli/explain/explain.ts';
import { explanationText } from '../../../infra/cli/explain/explain-text.ts';
import { aWebsite, NOW, readyStatus } from '../../fixtures/websites.ts';

/** Explains a Website to a user who may not read these resources. Nothing else exists. @returns the explanation, and what was asked. */
async function explained(forbidden: readonly string[], website = aWebsite(), events: readonly object[] = []) {
  const asked: string[] = [];
  const sized = async (request: ApiRequest) =>
    request.path.includes('/events') && !forbidden.includes('events')
      ? { value: { items: events, metadata: {} }, bytes: 1 }
      : refuse(request);
  const refuse = async ({ method, path }: ApiRequest): Promise<never> => {
    const [address = ''] = path.split('?');
    asked.push(`${method} ${address.split('/').slice(-2).join('/')}`);
    throw new ClusterError(
      forbidden.some((plural) => address.includes(`/${plural}`)) ? 'Forbidden' : 'NotFound',
      address,
    );
  };
  const transport: Transport = { server: '', json: refuse, sized, stream: refuse, close: async () => {} };
  const explanation = await explain(website, { cluster: kubernetes(transport), transport, now: NOW, defaults: {} });
  return { explanation, asked };
}

it('website explain reads each child once, and works without the rights to list Pods and Events', async () => {
  const { explanation, asked } = await explained(['pods', 'events']);
  const { plan, children, hidden } = explanation;
  expect(children.map(({ kind, owner }) => [kind, owner])).toEqual([
    ['Deployment', undefined],
    ['Service', undefined],
  ]);
  expect(hidden).toEqual(['events', 'pods']);
  expect(plan?.changes.map(({ verb, kind }) => `${verb} ${kind}`)).toContain('create Deployment');
  const ofChildren = asked.filter((each) => KINDS.some(({ plural }) => each.startsWith(`GET ${plural}/`)));
  expect(ofChildren.toSorted()).toEqual([...new Set(ofChildren)].toSorted());
  expect(ofChildren).toHaveLength(KINDS.length);
});

it.each([
  ['Websites only', [...KINDS.map(({ plural }) => plural), 'pods', 'events']],
  ['everything except Ingresses, Pods and Events', ['ingresses', 'pods', 'events']],
])(
  'website explain for a user who may only read %s names what it cannot show, and plans nothing',
  async (_, forbidden) => {
    const { explanation } = await explained(forbidden);
    expect(explanation).toMatchObject({ plan: undefined, differentFields: [], hidden: forbidden.toSorted() });
    const isHidden = (kind: string) => KINDS.some((each) => each.kind === kind && forbidden.includes(each.plural));
    expect(explanation.children.filter(({ kind }) => isHidden(kind))).toEqual([]);
    expect(explanationText(explanation, NOW)).toContain(
      `Not shown\n  Your user may not read: ${forbidden.toSorted().join(', ')}`,
    );
  },
);

it.each([
  ['of the newest spec', 2, true],
  ['of an older spec', 1, false],
])('website explain names an error %s that Ready does not report yet', async (_, observedGeneration, isShown) => {
  const condition = { status: 'True', lastTransitionTime: NOW.toISOString(), observedGeneration } as const;
  const website = aWebsite({
    metadata: { generation: 2 },
    status: {
      observedGeneration: 1,
      conditions: [
        { ...condition, type: 'Ready', reason: 'Available', message: '2 replicas are available' },
        { ...condition, type: 'Reconciling', reason: 'InternalError', message: 'failed calling webhook' },
      ],
    },
  });
  const { explanation } = await explained(['pods', 'events'], website);
  const text = explanationText(explanation, NOW);
  const [failure, todo] = [
    'Reconciles have failed (InternalError) for 0s: failed calling webhook',
    'What to do\n  repair',
  ];
  expect([text.includes(failure), text.includes(todo)]).toEqual([isShown, isShown]);
});

it('website explain shows the message of an error once, also if Ready reports it', async () => {
  const condition = {
    lastTransitionTime: NOW.toISOString(),
    reason: 'InternalError',
    message: 'failed calling webhook',
  };
  const website = aWebsite({
    status: {
      observedGeneration: 1,
      conditions: [
        { ...condition, type: 'Ready', status: 'False', observedGeneration: 1 },
        { ...condition, type: 'Reconciling', status: 'True', observedGeneration: 1 },
      ],
    },
  });
  const { explanation } = await explained(['pods', 'events'], website);
  const text = explanationText(explanation, NOW);
  expect(text.split(condition.message)).toHaveLength(2);
  expect(text).toContain('Reconciles have failed (InternalError) for 0s\n');
});

describe('website explain, if the functions could not write the status,', () => {
  const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString().replace('.000', '');
  const about = { kind: 'Website', name: 'shop', uid: 'uid-1', resourceVersion: '1' };
  const unwritten = (why: string, seconds = 30, involvedObject: object = about) => ({
    metadata: { creationTimestamp: ago(seconds) },
    type: 'Warning',
    reason: 'StatusNotWritten',
    message: `The status cannot be written (${why}): Could not update websites/status team-a/shop. It should say Parked: x`,
    involvedObject,
  });
  const CHANGED = { generation: 2, resourceVersion: '9' };
  /** The status was written this long ago. */
  const written = (seconds: number, change = seconds) =>
    aWebsite({
      metadata: {
        ...CHANGED,
        managedFields: [
          { manager: 'website-reconciler', subresource: 'status', time: ago(seconds) },
          { manager: 'kubectl', time: ago(change) },
        ],
      },
      status: readyStatus(ago(seconds), '2 replicas are available'),
    });
  const textOf = async (website: Website, events: readonly object[]) => {
    const { explanation } = await explained(['pods'], website, events);
    return explanationText(explanation, NOW);
  };
  const PROBLEM = 'The status is out of date (30s ago): The status cannot be written';

  it.each([
    ['Forbidden', 'kubectl apply --server-side -k infra/kubernetes/rights'],
    ['InternalError', 'repair the webhook'],
    ['Rejected', 'change the webhook'],
    ['TooLarge', 'make spec.env'],
  ])('says why (%s) and what to do', async (why, toDo) => {
    const text = await textOf(written(60), [unwritten(why)]);
    expect(text).toContain(`${PROBLEM} (${why}): Could not update`);
    expect(text).toContain(`What to do\n  ${toDo}`);
  });

  it('says so of a Website that has no status yet', async () => {
    const text = await textOf(aWebsite(), [unwritten('Forbidden')]);
    expect(text).toContain(PROBLEM);
    expect(text).not.toContain('have not seen it yet');
  });

  it('says so within the second in which the status was written before', async () => {
    expect(await textOf(written(30), [unwritten('Forbidden', 30, { ...about, resourceVersion: '9' })])).toContain(
      PROBLEM,
    );
  });

  it.each<[string, object]>([
    ['that was written since', unwritten('Forbidden', 90)],
    ['of a deleted Website of the same name', unwritten('Forbidden', 30, { ...about, uid: 'uid-0' })],
    ['of another object', unwritten('Forbidden', 30, { ...about, kind: 'Deployment' })],
    ['for a reason that a later release invents', unwritten('Invented')],
  ])('says nothing about a status %s', async (_, event) => {
    expect(await textOf(written(60), [event])).not.toContain('out of date');
  });

  it('shows the last of several problems', async () => {
    const text = await textOf(written(600), [
      unwritten('Rejected', 90),
      unwritten('Forbidden'),
      unwritten('TooLarge', 60),
    ]);
    expect(text).toContain(`${PROBLEM} (Forbidden)`);
  });

  it('says nothing if the status is as it should be', async () => {
    const { explanation } = await explained(['pods'], written(60), [unwritten('Forbidden')]);
    expect(explanation.plan?.changes.map(({ verb }) => verb)).toContain('update status');
    const settled = aWebsite({ metadata: CHANGED, status: explanation.plan?.status ?? {} });
    const again = await explained(['pods'], settled, [unwritten('Forbidden')]);
    expect(again.explanation.plan?.changes.map(({ verb }) => verb)).not.toContain('update status');
    expect(again.explanation.statusProblem).toBeUndefined();
    // Without a plan, it cannot tell.
    const blind = await explained(['pods', 'deployments'], settled, [unwritten('Forbidden')]);
    expect(blind.explanation.statusProblem?.why).toBe('Forbidden');
  });

  it.each([
    ['within a minute', 59, false],
    ['for over a minute', 61, true],
  ])('and no Event says so, tells where to look after silence %s', async (_, seconds, isShown) => {
    const text = await textOf(written(600, seconds), []);
    expect(text.includes('The functions have reported nothing since the last change')).toBe(isShown);
    expect(text).toContain('This is about an older spec');
  });

  it('says that a request to reconcile is not handled', async () => {
    const { metadata, status } = written(600, 61);
    const asked = aWebsite({
      metadata: { ...metadata, generation: 1, annotations: { [REQUESTED_AT]: 'now' } },
      ...(status === undefined ? {} : { status }),
    });
    const text = await textOf(asked, []);
    expect(text).toContain('A reconcile was requested, and the functions have not handled the request yet');
    expect(text).toContain('What to do\n  The functions have reported nothing since the last change, 61s ago');
  });
});
