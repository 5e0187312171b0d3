import { expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { websitePath } from '../../../functions/cluster/kubernetes.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import { detailsFrom } from '../../../infra/local/page/detail.ts';
import { Runs } from '../../../infra/local/page/runs.ts';
import { aWebsite } from '../../fixtures/websites.ts';

const website = aWebsite({
  metadata: { generation: 2 },
  status: {
    observedGeneration: 1,
    conditions: [
      { type: 'Ready', status: 'True', reason: 'Available', message: 'x', lastTransitionTime: '2026-01-02T03:04:05Z' },
    ],
  },
});
const event = {
  metadata: { creationTimestamp: '2026-01-02T03:04:05Z' },
  type: 'Warning',
  reason: 'StatusNotWritten',
  message: 'The status cannot be written (InternalError): failed calling webhook "policy". It should say Parked: x',
  involvedObject: { kind: 'Website', name: 'shop', uid: website.metadata.uid, resourceVersion: '1' },
};

/** What the page shows if these Events exist, and nothing but the Website. */
async function detailWith(events: readonly object[]) {
  const json = async ({ path }: ApiRequest): Promise<unknown> => {
    if (path === websitePath(website.metadata)) return website;
    throw new ClusterError('NotFound', path);
  };
  const sized = async ({ path }: ApiRequest) => ({
    value: { items: path.includes('/events') ? events : [], metadata: {} },
    bytes: 1,
  });
  const transport = { json, sized } as unknown as Transport;
  return detailsFrom({ transport, runs: new Runs(), functions: () => undefined })(website.metadata);
}

it('The page says what to do about a status that cannot be written, although the status says that the site is Ready', async () => {
  expect((await detailWith([event])).toDo).toMatch(/^repair the webhook/);
  expect((await detailWith([])).toDo).toBeUndefined();
});
