import { expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../functions/cluster/errors.ts';
import { kubernetes } from '../../functions/cluster/kubernetes.ts';
import { loggingLostEventsOnce } from '../../functions/cluster/lost-events.ts';
import type { Transport } from '../../functions/cluster/transport.ts';
import { aWebsite } from '../fixtures/websites.ts';

it('Lost Kubernetes Events are logged once for each namespace and cause', async () => {
  let answer: ErrorCode | undefined;
  const json = async () => (answer === undefined ? {} : Promise.reject(new ClusterError(answer, `${answer} here`)));
  const lines: object[] = [];
  const lost = loggingLostEventsOnce({ warn: (fields) => lines.push(fields) });
  const cluster = kubernetes({ json, sized: json } as unknown as Transport, undefined, undefined, lost);
  const announce = (namespace: string) =>
    cluster.announce(aWebsite({ metadata: { namespace } }), { type: 'Normal', reason: 'Available', note: 'x' });
  for (const each of [undefined, 'AlreadyExists', 'NamespaceTerminating', 'PolicyDenied', 'Forbidden'] as const) {
    answer = each;
    for (const namespace of ['a', 'a', 'b']) await announce(namespace);
  }
  expect(lines).toEqual(
    ['PolicyDenied', 'Forbidden'].flatMap((code) =>
      ['a', 'b'].map((namespace) => ({ namespace, code, why: `${code} here` })),
    ),
  );
});
