import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import { causesIn, newestTemplateHash } from '../../../functions/website/pods/pod-causes.ts';
import type { Pod } from '../../../functions/website/pods/pod.ts';
import { desiredChild } from '../../fixtures/children.ts';
import { aPod, unschedulable } from '../../fixtures/broken-pods.ts';
import { aWebsite, SPEC } from '../../fixtures/websites.ts';

const deployment = (message?: string): Deployment => ({
  ...(desiredChild('Deployment', aWebsite(), { ...SPEC, image: 'shop:1.2.9' }) as unknown as Deployment),
  ...(message === undefined
    ? {}
    : { status: { conditions: [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message }] } }),
});
const says = (...pods: Pod[]) => causesIn(pods, deployment());
const waiting = (reason: string, message?: string) =>
  aPod({ state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } });
const terminated = (exitCode: number, rest: object = {}) => ({ terminated: { exitCode, reason: 'Error', ...rest } });
const PULL = 'failed to pull and unpack image "docker.io/library/shop:1.2.9": failed to resolve reference';
const NOT_FOUND = `rpc error: code = NotFound desc = ${PULL} "docker.io/library/shop:1.2.9": docker.io/library/shop:1.2.9: not found`;

describe('The cause in a Pod', () => {
  it.each<[string, Pod, string | undefined]>([
    ['whose image is missing', waiting('ErrImagePull', NOT_FOUND), 'ImagePullBackOff: shop:1.2.9: not found'],
    [
      'whose image is tried again later',
      waiting('ImagePullBackOff', `Back-off pulling image "shop:1.2.9": ErrImagePull: ${NOT_FOUND}`),
      'ImagePullBackOff: shop:1.2.9: not found',
    ],
    [
      'of an older kubelet, which does not repeat why',
      waiting('ImagePullBackOff', 'Back-off pulling image "shop:1.2.9"'),
      'ImagePullBackOff: shop:1.2.9',
    ],
    [
      'whose registry refuses it names the URL without its token',
      waiting(
        'ErrImagePull',
        'failed to pull image "shop:1.2.9": failed to authorize: Get "https://auth.example.com/token?secret=s3cret": 401',
      ),
      'ImagePullBackOff: shop:1.2.9: failed to authorize: Get "https://auth.example.com/token": 401',
    ],
    ['with a wrong image name', waiting('InvalidImageName', 'bad'), 'InvalidImageName: bad'],
    [
      'with a missing Secret',
      waiting('CreateContainerConfigError', 'secret "db" not found'),
      'CreateContainerConfigError: secret "db" not found',
    ],
    [
      'that waits for its next restart',
      aPod({
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s restarting failed container' } },
        last: terminated(1),
        restarts: 5,
      }),
      'CrashLoopBackOff: exit code 1',
    ],
    ['that has just crashed', aPod({ state: terminated(1), restarts: 5 }), 'CrashLoopBackOff: exit code 1'],
    [
      'that has just been restarted',
      aPod({ state: { running: {} }, last: terminated(1), restarts: 5 }),
      'CrashLoopBackOff: exit code 1',
    ],
    ['that was ended by a signal', aPod({ state: terminated(139, { signal: 11 }) }), 'CrashLoopBackOff: signal 11'],
    [
      'whose output contains a secret',
      aPod({ state: terminated(1, { message: 'password s3cret is wrong' }) }),
      'CrashLoopBackOff: exit code 1',
    ],
    ['that needed too much memory', aPod({ state: terminated(137, { reason: 'OOMKilled' }) }), 'OOMKilled'],
    [
      'whose command is missing',
      aPod({
        state: { waiting: { reason: 'RunContainerError', message: 'failed to start' } },
        last: terminated(128, { reason: 'StartError', message: 'exec: "/nope": no such file' }),
      }),
      'StartError: exec: "/nope": no such file',
    ],
    [
      'that no node has room for',
      unschedulable('0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No victims.'),
      'Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.',
    ],
    [
      'whose readiness probe fails',
      aPod({
        state: { running: {} },
        container: { readinessProbe: { httpGet: { path: '/healthz?key=s3cret', port: 8080 } } },
      }),
      'Unhealthy: the readiness probe GET :8080/healthz does not succeed',
    ],
    [
      'whose readiness probe names a port',
      aPod({
        state: { running: {} },
        container: {
          ports: [{ name: 'http', containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/healthz', port: 'http' } },
        },
      }),
      'Unhealthy: the readiness probe GET :8080/healthz does not succeed',
    ],
    [
      'whose message has control characters',
      aPod({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'bad\u0007 \u001b[31mthing' } } }),
      'CreateContainerConfigError: bad [31mthing',
    ],
    [
      'whose startup probe fails',
      aPod({
        state: { running: {} },
        started: false,
        container: { startupProbe: { tcpSocket: { port: 'http' } }, readinessProbe: { exec: {} } },
      }),
      'Unhealthy: the startup probe TCP :http does not succeed',
    ],
    [
      'that has started, and then is not ready',
      aPod({
        state: { running: {} },
        started: true,
        container: { startupProbe: { tcpSocket: { port: 'http' } }, readinessProbe: { exec: {} } },
      }),
      'Unhealthy: the readiness probe command does not succeed',
    ],
    [
      'that was never restarted, but has a last state',
      aPod({ state: { running: {} }, last: terminated(1), container: { readinessProbe: { exec: {} } } }),
      'Unhealthy: the readiness probe command does not succeed',
    ],
    [
      'whose readiness gate is not met',
      aPod({
        status: {
          conditions: [{ type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: 'gate "lb"' }],
        },
      }),
      'ReadinessGatesNotReady: gate "lb"',
    ],
    [
      'whose volumes are missing',
      aPod({
        state: { waiting: { reason: 'ContainerCreating' } },
        status: { conditions: [{ type: 'PodReadyToStartContainers', status: 'False' }] },
      }),
      'ContainerCreating: the volumes or the network of the Pod are not ready',
    ],
    ['whose image is being pulled', waiting('ContainerCreating'), undefined],
    ['whose init containers are at work', waiting('PodInitializing'), undefined],
    ['without a status', aPod(), undefined],
    [
      'that is ready',
      aPod({ state: { running: {} }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }),
      undefined,
    ],
    ['that is being deleted', { ...aPod({ state: terminated(1), deleted: '2026-01-02T03:04:05Z' }) }, undefined],
    [
      'that was evicted',
      aPod({ status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory.' } }),
      'Evicted: The node was low on memory.',
    ],
  ])('%s', (_, pod, cause) => {
    expect(says(pod)).toBe(cause);
  });

  it.each(['initContainers', 'containers'] as const)(
    'with a failing injected container among its %s names that container',
    (list) => {
      const proxy = { name: 'proxy', image: 'proxy:1' };
      const status = {
        ...proxy,
        ready: false,
        restartCount: 0,
        imageID: '',
        state: { waiting: { reason: 'ErrImagePull', message: 'no' } },
      };
      const own = aPod({ state: { waiting: { reason: 'PodInitializing' } } });
      const pod = {
        ...own,
        spec: { ...own.spec, [list]: [...(own.spec[list] ?? []), proxy] },
        status: {
          ...own.status,
          [list === 'containers' ? 'containerStatuses' : 'initContainerStatuses']: [status],
        },
      } as Pod;
      expect(says(pod)).toBe('ImagePullBackOff: proxy:1: no (container proxy)');
    },
  );
});

describe('The causes in several Pods', () => {
  const crash = (code: number, rest: object = {}) => aPod({ state: terminated(code), ...rest });

  it('begin with the most frequent one, and are at most two', () => {
    expect(says(crash(3), crash(2), crash(1), crash(2))).toBe(
      'CrashLoopBackOff: exit code 2; CrashLoopBackOff: exit code 1',
    );
  });

  it('do not depend on the order of the Pods', () => {
    const pods = [crash(1), crash(2), unschedulable(), waiting('ErrImagePull', NOT_FOUND)];
    expect(says(...pods)).toBe(says(...pods.toReversed()));
  });

  it('begin with a Pod that cannot run, before one that is only unready or was evicted', () => {
    const evicted = aPod({ status: { phase: 'Failed', reason: 'Evicted' } });
    const unready = aPod({ state: { running: {} } });
    expect(says(evicted, evicted, unready, unready, crash(1))).toMatch(/^CrashLoopBackOff: exit code 1; Unhealthy/);
  });

  it('come only from Pods of the newest template', () => {
    const old = crash(9, { name: 'old', hash: 'old', image: 'shop:1.2.8', created: '2026-01-02T03:09:00Z' });
    const older = crash(8, { name: 'older', hash: 'older', created: '2026-01-01T00:00:00Z' });
    expect(says(old, older, crash(1))).toBe('CrashLoopBackOff: exit code 1');
  });

  it('include Pods whose image a policy has changed', () => {
    expect(says(crash(1, { image: 'mirror.example.com/shop:1.2.9' }))).toBe('CrashLoopBackOff: exit code 1');
  });

  it('are a text of limited length', () => {
    const long = 'é'.repeat(10_000);
    expect(Buffer.byteLength(says(waiting('ErrImagePull', long), unschedulable(long)) ?? '')).toBeLessThan(600);
  });
});

it.each([
  ['ReplicaSet "shop-deployment-7c5ddbdf54" is progressing.', '7c5ddbdf54'],
  ['Created new replica set "shop-deployment-7c5ddbdf54"', '7c5ddbdf54'],
  ['ReplicaSet "other-7c5ddbdf54" is progressing.', undefined],
  ['Deployment does not have minimum availability.', undefined],
  [undefined, undefined],
])("With the Deployment's message %s, the hash of its newest template is %s", (message, hash) => {
  expect(newestTemplateHash(deployment(message))).toBe(hash);
});
