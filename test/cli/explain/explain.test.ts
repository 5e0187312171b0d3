import { expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import { KINDS } from '../../../functions/website/children/kinds.ts';
import { explain } from '../../../infra/cli/explain/explain.ts';
import { explanationText } from '../../../infra/cli/explain/explain-text.ts';
import { aWebsite, NOW } from '../../fixtures/websites.ts';

/** Explains a Website to a user who may not read these resources. Nothing else exists. @returns the explanation, and what was asked. */
async function explained(forbidden: readonly string[], website = aWebsite()) {
  const asked: string[] = [];
  const refuse = async ({ method, path }: ApiRequest): Promise<never> => {
    const [address = ''] = path.split('?');
    asked.push(`${method} ${address.split('/').slice(-2).join('/')}`);
    throw new ClusterError(
      forbidden.some((plural) => address.includes(`/${plural}`)) ? 'Forbidden' : 'NotFound',
      address,
    );
  };
  const transport: Transport = { server: '', json: refuse, sized: refuse, stream: refuse, close: async () => {} };
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
