// What `website plan --server` says of a status that the API server does not store as it is.
import { beforeEach, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import type { Website } from '../../../functions/website/resource.ts';
import { fleetAnswer, planFleet } from '../../../infra/cli/plan/fleet.ts';
import { planAnswer, planManifests, planName, type Target } from '../../../infra/cli/plan/plan.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const now = () => NOW;

let cluster: MemoryCluster;
/** Answers as the API server answers to dry runs. */
let server: MemoryCluster;
let target: Target;
beforeEach(async () => {
  cluster = new MemoryCluster();
  cluster.apply(key, { image: 'nginx:1', replicas: 2 });
  await reconcile(key, { cluster, now });
  cluster.rollOut();
  await reconcile(key, { cluster, now });
  cluster.apply(key, { image: 'nginx:1', replicas: 3 });
  server = new MemoryCluster();
  target = { cluster, now, server, transport: undefined as never };
});

/** A dry run stores nothing, so each plan asks the server as it was. */
function asked(): Target {
  server.restore(cluster.snapshot());
  return target;
}

const refuse = (code: ErrorCode, message: string) => async () => Promise.reject(new ClusterError(code, message));
const planOne = async () => planAnswer([await planName(key, asked())]);
const planAll = async () => fleetAnswer(await planFleet(asked(), () => {}));

it.each([
  ['a policy', 'PolicyDenied', 'Rejected'],
  ['a webhook that cannot be called', 'InternalError', 'InternalError'],
] as const)('A status that %s refuses is no write that the plan promises', async (_, code, why) => {
  server.updateStatus = refuse(code, 'not here');
  const problem = `The status cannot be written (${why}): not here. It should say Progressing: `;
  const one = await planOne();
  expect(one.text).toContain('~ update Deployment shop-deployment');
  expect(one.text).toContain('~ update status of Website shop (refused)');
  expect(one.text).toContain(problem);
  expect(one.text).not.toContain('Right after it');
  expect(one.text).toContain('The API server refuses the status of 1.');
  expect(one).toMatchObject({
    code: 3,
    data: [
      {
        changes: [{ kind: 'Deployment' }, { verb: 'update status', isRefused: true }],
        statusProblem: expect.stringContaining(problem) as string,
        status: { observedGeneration: 1 },
      },
    ],
  });
  const all = await planAll();
  expect(all.text).toContain('team-a/shop: update Deployment, update status (refused)');
  expect(all.text).toContain('The API server refuses the status of 1.');
  expect(all.data).toMatchObject({ changing: [{ statusProblem: expect.stringContaining(problem) as string }] });
});

it('A Website of which the API server refuses only the status is not one whose status would change', async () => {
  const updateStatus = cluster.updateStatus.bind(cluster);
  cluster.updateStatus = refuse('PolicyDenied', 'not here');
  await reconcile(key, { cluster, now });
  await reconcile(key, { cluster, now });
  cluster.updateStatus = updateStatus;
  server.updateStatus = refuse('PolicyDenied', 'not here');
  for (const { text, code } of [await planOne(), await planAll()]) {
    expect(text).toContain('0 of 1 Website would change');
    expect(text).toContain('The API server refuses the status of 1.');
    expect(text).not.toContain('Only the status would change');
    expect(code).toBe(3);
  }
  expect((await planAll()).data).toMatchObject({ changing: [], statusRefused: [{ website: 'team-a/shop' }] });
});

it('A status that the API server stores only in short is written', async () => {
  const updateStatus = server.updateStatus.bind(server);
  server.updateStatus = async (website) => {
    if (website.status?.history !== undefined) throw new ClusterError('RequestTooLarge', 'too large');
    return updateStatus(website);
  };
  const { changes, statusProblem, status } = await planName(key, asked());
  expect(changes.map(({ verb, isRefused }) => [verb, isRefused])).toContainEqual(['update status', undefined]);
  expect(changes.filter(({ isRefused }) => isRefused)).toEqual([]);
  expect(statusProblem).toBeUndefined();
  expect(status?.history).toBeUndefined();
});

it('A status that a webhook changes is shown as the API server would store it', async () => {
  server.updateStatus = async (website: Website) => ({ ...website, status: { observedGeneration: 1 } });
  const { statusProblem, status } = await planName(key, asked());
  expect(status).toEqual({ observedGeneration: 1 });
  expect(statusProblem).toContain('An admission policy or webhook changes the status each time');
});

it.each([
  ['that this user may not update', 'Forbidden', 'User "jane" cannot update resource "websites/status"'],
  ['of a Website that has just changed', 'Conflict', 'the object has been modified'],
] as const)('A status %s was not checked', async (_, code, why) => {
  server.updateStatus = refuse(code, why);
  const one = await planOne();
  expect(one.text).toContain(`The status was not checked: its dry run failed: ${why}`);
  expect(one.text).toContain('~ update status of Website shop\n');
  expect(one.text).toContain('If the API server accepts the status, Ready is False (Progressing)');
  expect(one).toMatchObject({ code: 3, data: [{ statusUnchecked: `its dry run failed: ${why}` }] });
  expect((await planAll()).text).toContain('The status of 1 was not checked.');
});

it('The status of a Website that does not exist cannot be checked', async () => {
  const tried: Website[] = [];
  server.updateStatus = async (website) => {
    tried.push(website);
    return website;
  };
  const fresh = { namespace: 'team-a', name: 'fresh' };
  const spec = { image: 'nginx:1', replicas: 1 };
  const metadata = { ...fresh, uid: 'assigned', generation: 1 };
  const json = async () => ({ apiVersion: 'stable.example.com/v1', kind: 'Website', metadata, spec });
  const transport = { json } as unknown as Target['transport'];
  const plans = await planManifests([{ where: 'a file', key: fresh, metadata: {}, spec }], { ...asked(), transport });
  expect(plans).toMatchObject([{ statusUnchecked: 'the Website does not exist yet' }]);
  expect(tried).toEqual([]);
});
