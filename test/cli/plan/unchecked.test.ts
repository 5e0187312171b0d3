// What `website plan --server` says of writes whose dry runs the API server refuses, or fails at, without judging the write.
import { beforeEach, describe, expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { fleetAnswer, planFleet } from '../../../infra/cli/plan/fleet.ts';
import { planAnswer, planManifests, planName, type Target } from '../../../infra/cli/plan/plan.ts';
import { around } from '../../cluster/around.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };
const FAILS = 'Internal error occurred: failed calling webhook "policy.example.com": connection refused';
let time: Date;
const now = () => time;

let cluster: MemoryCluster;
/** Answers as the API server answers to dry runs. */
let server: MemoryCluster;
beforeEach(async () => {
  time = NOW;
  cluster = new MemoryCluster();
  cluster.apply(key, { image: 'nginx:1', replicas: 2 });
  await reconcile(key, { cluster, now });
  cluster.rollOut();
  await reconcile(key, { cluster, now });
  cluster.apply(key, { image: 'nginx:1', replicas: 3, childMetadata: { labels: { team: 'a' } } });
  server = new MemoryCluster();
  // It would store the status, and refuse the second one of a run.
  server.updateStatus = async (website) => website;
});

/** A dry run stores nothing, so each plan asks the server as it was. */
function asked(): Target {
  server.restore(cluster.snapshot());
  return { cluster, now, server, transport: undefined as never };
}

const refuse = (code: ErrorCode, message: string) => async () => Promise.reject(new ClusterError(code, message));
const planOne = async () => planAnswer([await planName(key, asked())]);
const planAll = async () => fleetAnswer(await planFleet(asked(), () => {}));

/** @returns the kinds of the other children that are replaced. */
function refuseDeployments(code: ErrorCode, message: string): string[] {
  const replace = server.replace.bind(server);
  const others: string[] = [];
  server.replace = async (child) => {
    if (child.kind === 'Deployment') throw new ClusterError(code, message);
    others.push(child.kind);
    return replace(child);
  };
  return others;
}

describe.each([
  ['that this user may not write', 'Forbidden', 'User "jane" cannot update resource "deployments"'],
  ['whose webhook cannot be called', 'InternalError', FAILS],
  ['that the API server fails at', 'InternalError', 'Internal error occurred'],
  ['that has just changed', 'Conflict', 'the object has been modified'],
] as const)('A child %s', (_, code, why) => {
  it('is planned as this program expects it, and the others are checked', async () => {
    const others = refuseDeployments(code, why);
    const one = await planOne();
    expect(one.text).toContain('~ update Deployment shop-deployment');
    expect(one.text).toContain(`Deployment shop-deployment was not checked: its dry run failed: ${why}`);
    expect(one.text).toContain('If the API server accepts it, Ready is False (Progressing)');
    expect(one.text).toContain('Some writes of 1 were not checked.');
    const unchecked = [{ kind: 'Deployment', name: 'shop-deployment', code, why }];
    expect(one).toMatchObject({ code: 3, data: [{ unchecked }] });
    expect(others).toContain('Service');
    const all = await planAll();
    expect(all.text).toContain('Some writes of 1 were not checked.');
    expect(all).toMatchObject({ code: 3, data: { changing: [{ unchecked }] } });
  });
});

it.each(['create', 'delete', 'scale'] as const)('A %s that this user may not make was not checked', async (verb) => {
  const spec = { image: 'nginx:1', replicas: 3 };
  if (verb === 'create') cluster.remove('Service', { ...key, name: 'shop-service' });
  if (verb === 'delete') cluster.apply(key, { ...spec, disruptionBudget: 'None' });
  if (verb === 'scale') cluster.apply(key, { image: 'nginx:1', autoscaling: { external: true } });
  server[verb] = refuse('Forbidden', `cannot ${verb}`);
  expect(await planName(key, asked())).toMatchObject({ unchecked: [{ why: `cannot ${verb}` }] });
});

it('A child that a policy refuses is no change, and the status says why', async () => {
  refuseDeployments('PolicyDenied', 'denied request: no');
  const { changes, unchecked, status } = await planName(key, asked());
  expect(changes.map(({ kind }) => kind)).not.toContain('Deployment');
  expect(unchecked).toBeUndefined();
  expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Stalled', reason: 'Rejected' }));
});

it.each(['Unauthorized', 'TooManyRequests', 'Timeout', 'Unavailable', 'Unreachable'] as const)(
  'An API server that answers %s fails the plan',
  async (code) => {
    refuseDeployments(code, 'not now');
    await expect(planName(key, asked())).rejects.toMatchObject({ code });
  },
);

it('A write that fails now as it failed in the last reconcile is no change', async () => {
  const failing = around(cluster, async ({ verb, kind }, proceed) => {
    if (kind === 'Deployment' && verb === 'replace') throw new ClusterError('InternalError', FAILS);
    return proceed();
  });
  await expect(reconcile(key, { cluster: failing, now })).rejects.toThrow(FAILS);
  refuseDeployments('InternalError', FAILS);
  const one = await planOne();
  expect(one).toMatchObject({ code: 0, data: [{ refusedLastTime: { reason: 'InternalError' } }] });
  expect(one.text).toContain('Some writes of 1 were not checked.');
  expect(await planAll()).toMatchObject({ code: 0, data: { triedAgain: [{ unchecked: [{ why: FAILS }] }] } });

  refuseDeployments('Forbidden', 'User "jane" cannot update resource "deployments"');
  expect(await planOne()).toMatchObject({ code: 3 });
});

describe('A manifest', () => {
  const manifest = { where: 'a file', key, metadata: {}, spec: { image: 'nginx:2', replicas: 3 } };
  const plans = async (code: ErrorCode, why: string) =>
    planManifests([manifest], { ...asked(), transport: { json: refuse(code, why) } as unknown as Target['transport'] });

  it.each([
    ['Forbidden', 'User "jane" cannot patch resource "websites"'],
    ['InternalError', FAILS],
  ] as const)('whose dry run fails with %s is planned as this program expects it', async (code, why) => {
    const [plan] = await plans(code, why);
    expect(plan?.unchecked).toEqual([{ kind: 'Website', name: 'shop', code, why }]);
    expect(JSON.stringify(plan?.changes)).toContain('nginx:2');
  });

  it.each(['PolicyDenied', 'Invalid', 'Conflict', 'BadRequest', 'InternalError'] as const)(
    'that the API server refuses with %s fails the plan',
    async (code) => {
      await expect(plans(code, '.spec.replica: field not declared in schema')).rejects.toMatchObject({ code });
    },
  );
});
