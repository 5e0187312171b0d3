// The doctor finds children without an owner, without reading their specs.
import { expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import { ownerReferenceTo } from '../../../functions/website/children/metadata.ts';
import { childrenFinding } from '../../../infra/cli/doctor/children.ts';
import { aWebsite } from '../../fixtures/websites.ts';

const OWNED = { ownerReferences: [ownerReferenceTo(aWebsite())] };
const child = (name: string, more: object = {}) => {
  const labels = { 'app.kubernetes.io/instance': 'shop' };
  return { metadata: { name, namespace: 'team-a', labels, ...more } };
};

/** The finding if the API server has these pages of each plural, and the requests. */
async function found(pages: Readonly<Record<string, ErrorCode | readonly object[][]>>, namespaces?: readonly string[]) {
  const asked: ApiRequest[] = [];
  const sized = async (request: ApiRequest) => {
    asked.push(request);
    const { pathname, searchParams } = new URL(request.path, 'https://c');
    const answer = pages[pathname.split('/').at(-1) ?? ''] ?? [];
    if (typeof answer === 'string') throw new ClusterError(answer, 'refused');
    const page = Number(searchParams.get('continue') ?? 0);
    const metadata = page + 1 < answer.length ? { continue: String(page + 1) } : {};
    // As the API server answers a request for metadata alone.
    return { value: { items: answer[page] ?? null, metadata }, bytes: 1 };
  };
  return { finding: await childrenFinding({ sized } as unknown as Transport, namespaces), asked };
}

it('The doctor reports children without an owner, on every page of every kind', async () => {
  const { finding, asked } = await found({
    deployments: [[child('shop-deployment', OWNED)]],
    services: [[child('shop-service', OWNED)], [child('shop-service')]],
    ingresses: [[child('shop-ingress')]],
    httproutes: 'UnknownResource',
  });
  expect(finding).toMatchObject({
    state: 'problem',
    message: '2 of 4 children have no owner, first Service team-a/shop-service',
    toDo: expect.stringMatching(
      /^website explain shop -n team-a, .* kubectl delete service shop-service -n team-a\. /,
    ) as string,
  });
  expect(asked).toHaveLength(7);
  for (const { accept, path } of asked) {
    expect(accept).toContain('as=PartialObjectMetadataList');
    expect(path).toContain('labelSelector=app.kubernetes.io%2Fmanaged-by%3Dwebsite-reconciler');
  }
});

it.each<[string, object]>([
  ['that a Website owns', child('shop-deployment', OWNED)],
  ['that is being deleted', child('shop-deployment', { deletionTimestamp: 'now' })],
  ['that has the label, but not the name of a child', child('shop-extra')],
  ['of another name than its label', child('blog-deployment')],
])('The doctor does not report an object %s', async (_, object) => {
  expect((await found({ deployments: [[object]] })).finding).toMatchObject({ state: 'ok' });
});

it('The doctor reads children only in the namespaces of the installation', async () => {
  const { asked } = await found({}, ['team-a', 'team-b']);
  const paths = asked.map(({ path }) => path.split('?')[0]);
  expect(paths).toContain('/apis/apps/v1/namespaces/team-b/deployments');
  expect(paths.every((path) => path?.includes('/namespaces/team-'))).toBe(true);
});

it('The doctor does not call children that it may not read in order', async () => {
  await expect(found({ services: 'Forbidden' })).rejects.toMatchObject({ code: 'Forbidden' });
});
