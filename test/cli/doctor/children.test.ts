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
async function found(
  pages: Readonly<Record<string, ErrorCode | readonly object[][]>>,
  namespaces?: readonly string[],
  websites: Readonly<Record<string, ErrorCode | 'exists'>> = {},
) {
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
  const json = async ({ path }: ApiRequest) => {
    const answer = websites[path.replace(/^.*namespaces\/(.*)\/websites\//, '$1/')] ?? 'NotFound';
    if (answer !== 'exists') throw new ClusterError(answer, 'refused');
    return aWebsite();
  };
  return { finding: await childrenFinding({ sized, json } as unknown as Transport, namespaces), asked };
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
    message: '2 of 4 children have no owner: Service team-a/shop-service, Ingress team-a/shop-ingress',
  });
  expect(asked).toHaveLength(7);
  for (const { accept, path } of asked) {
    expect(accept).toContain('as=PartialObjectMetadataList');
    expect(path).toContain('labelSelector=app.kubernetes.io%2Fmanaged-by%3Dwebsite-reconciler');
  }
});

it.each([
  ['exists', 'exists', /^website explain shop -n team-a\. To keep/],
  [
    'does not exist',
    'NotFound',
    /^There is no Website team-a\/shop: apply it again, which adopts what its spec declares, or: kubectl delete service shop-service -n team-a; kubectl delete ingress shop-ingress -n team-a\. To keep/,
  ],
  [
    'this user may not see',
    'Forbidden',
    /^website explain shop -n team-a, if there is such a Website\. Otherwise apply it again, .*, or: kubectl delete service shop-service -n team-a; kubectl delete ingress shop-ingress -n team-a\. To keep/,
  ],
] as const)('The doctor says what to do about the children of a Website that %s', async (_, answer, toDo) => {
  const pages = { services: [[child('shop-service')]], ingresses: [[child('shop-ingress')]] };
  const { finding } = await found(pages, undefined, { 'team-a/shop': answer });
  expect(finding.toDo).toMatch(toDo);
});

it('The doctor says which of several Websites with such children exist', async () => {
  const elsewhere = child('shop-service', { namespace: 'team-b' });
  const { finding } = await found({ services: [[child('shop-service'), elsewhere]] }, undefined, {
    'team-b/shop': 'exists',
  });
  expect(finding.toDo).toMatch(
    /^website explain shop -n team-b\. There is no Website team-a\/shop: apply it again, .* kubectl delete service shop-service -n team-a\. To keep/,
  );
});

it('The doctor names five children without an owner, and says where the command is that lists all', async () => {
  const namespaces = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const { finding } = await found({ services: [namespaces.map((namespace) => child('shop-service', { namespace }))] });
  expect(finding.message).toBe(
    '7 of 7 children have no owner: Service a/shop-service, Service b/shop-service, Service c/shop-service, Service d/shop-service, Service e/shop-service and 2 more',
  );
  expect(finding.toDo).toContain('-n e. docs/cli.md has the command that lists all');
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
