// Why a rollout is not complete, with the Pods of the real Deployment controller and scheduler. KWOK replaces the kubelet.
import { beforeEach, expect, it } from 'vitest';
import { kubernetes } from '../../../functions/cluster/kubernetes.ts';
import type { Pod } from '../../../functions/website/pods/pod.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { eventually } from '../../eventually.ts';
import { createWebsite, patch, patchWebsite } from '../../real-cluster.ts';
import { oneWebsite } from '../../accounts.ts';

const site = oneWebsite('explain');
beforeEach(async () => {
  await createWebsite(site.admin, site.key, { image: 'nginx:1', replicas: 2 });
  await expectReady(/^True Available: /);
});

/** Each run is ten seconds later by its own clock, so that it reads the Pods. */
const run = () =>
  reconcile(site.key, { cluster: kubernetes(site.functions), now: () => new Date(Date.now() + 10_000 * ++runs) });
let runs = 0;

/** Reconciles until the condition Ready matches. */
async function expectReady(text: RegExp): Promise<void> {
  await eventually(async () => {
    await run();
    const website = await kubernetes(site.admin).getWebsite(site.key);
    const ready = website?.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(`${ready?.status} ${ready?.reason}: ${ready?.message}`).toMatch(text);
  });
}

async function podsOf(image: string): Promise<Pod[]> {
  const pods = await kubernetes(site.admin).listPods(site.key.namespace, { app: 'shop' });
  return pods.filter(({ spec }) => spec.containers[0]?.image === image);
}

/** Writes the status of a Pod like a kubelet. */
const setStatus = ({ metadata: { namespace, name } }: Pod, status: object) =>
  patch(site.admin, `/api/v1/namespaces/${namespace}/pods/${name}/status`, { status });
const containerStatuses = (image: string, state: object) => [
  { name: 'webserver', image, imageID: '', ready: false, started: false, restartCount: 3, ...state },
];
const UNREADY = [
  { type: 'Ready', status: 'False', reason: 'ContainersNotReady' },
  { type: 'ContainersReady', status: 'False', reason: 'ContainersNotReady' },
];
const CRASHED = { state: { terminated: { exitCode: 7, reason: 'Error', message: 'password s3cret is wrong' } } };

const BAD = 'registry.invalid/shop:1.2.9';
const NOT_FOUND = 'ImagePullBackOff: registry\\.invalid/shop:1\\.2\\.9: not found';

it('The message names an image that cannot be pulled, also after the deadline, until the image is replaced', async () => {
  await patchWebsite(site.admin, site.key, { spec: { image: BAD } });
  await expectReady(new RegExp(`^False Progressing: 1 of 2 replicas are updated\\. ${NOT_FOUND}$`));
  const settled = await run();
  expect(settled.actions).toEqual([]);
  const path = `/apis/apps/v1/namespaces/${site.key.namespace}/deployments/shop-deployment`;
  await patch(site.admin, path, { spec: { progressDeadlineSeconds: 1 } });
  await expectReady(
    new RegExp(
      `^False ProgressDeadlineExceeded: registry.* and 2 old replicas still serve: ReplicaSet "[-\\w]+" has timed out progressing\\. ${NOT_FOUND}$`,
    ),
  );
  await patchWebsite(site.admin, site.key, { spec: { image: 'nginx:2' } });
  await expectReady(/^True Available: 2 replicas are available$/);
  const website = await kubernetes(site.admin).getWebsite(site.key);
  expect(website?.status?.history).toMatchObject([
    { generation: 3, image: 'nginx:2', readyAt: expect.any(String) as string },
    {
      generation: 2,
      image: BAD,
      reason: 'ProgressDeadlineExceeded',
      message: expect.stringMatching(NOT_FOUND) as string,
    },
    { generation: 1, image: 'nginx:1', readyAt: expect.any(String) as string },
  ]);
});

it('The message quotes the scheduler if no node takes the Pods', async () => {
  await patchWebsite(site.admin, site.key, {
    spec: { placement: { nodeSelector: { 'example.com/nowhere': 'true' } } },
  });
  await expectReady(
    /^False Progressing: 1 of 2 replicas are updated\. Unschedulable: 0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector\.$/,
  );
  expect((await run()).outcome).toMatchObject({ kind: 'waiting', reason: 'Progressing' });
});

it('The message is about the Pods of the newest spec, and does not quote the output of a container', async () => {
  await patchWebsite(site.admin, site.key, { spec: { image: BAD } });
  await expectReady(new RegExp(NOT_FOUND));
  const [old] = await podsOf('nginx:1');
  if (old === undefined) throw new Error('No old Pod is left');
  await setStatus(old, {
    conditions: UNREADY,
    containerStatuses: containerStatuses('nginx:1', { state: { terminated: { exitCode: 9, reason: 'Error' } } }),
  });
  await expectReady(new RegExp(`${NOT_FOUND}$`));
  for (const pod of await podsOf(BAD)) await setStatus(pod, { containerStatuses: containerStatuses(BAD, CRASHED) });
  await expectReady(/^False Progressing: [^.]+\. CrashLoopBackOff: exit code 7$/);
  expect(JSON.stringify(await kubernetes(site.admin).getWebsite(site.key))).not.toContain('s3cret');
});

it('The message names a Pod that crashes after the site was ready', async () => {
  const pods = await podsOf('nginx:1');
  for (const pod of pods)
    await setStatus(pod, { conditions: UNREADY, containerStatuses: containerStatuses('nginx:1', CRASHED) });
  await expectReady(/^False Progressing: 0 of 2 updated replicas are available\. CrashLoopBackOff: exit code 7$/);
  const website = await kubernetes(site.admin).getWebsite(site.key);
  expect(website?.status?.history).toMatchObject([{ generation: 1, readyAt: expect.any(String) as string }]);
});
