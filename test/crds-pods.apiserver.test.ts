// Bad values in the fields about Pods.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../functions/cluster/transport.ts';
import { websiteSpec } from '../functions/website/resource.ts';
import { refusal, spec, specWith } from './bad-specs.ts';
import { createNamespace, createWebsite } from './real-cluster.ts';

let transport: Transport;
let namespace: string;
beforeAll(async () => {
  transport = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(transport, 'crds');
});
afterAll(() => transport.close());

const times = <T>(length: number, value: T): T[] => Array.from({ length }, () => value);
const tolerating = (toleration: object) => ({ ...spec, placement: { tolerations: [toleration] } });

describe('The API server refuses a Website', () => {
  it.each<[string, object, string]>([
    [
      'with a Secret reference without a key',
      { ...spec, env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a' } } }] },
      'spec.env[0].valueFrom.secretKeyRef.key: Required value',
    ],
    [
      'with a file as the source of a variable',
      { ...spec, env: [{ name: 'A', valueFrom: { fileKeyRef: {} } }] },
      'unknown field "spec.env[0].valueFrom.fileKeyRef"',
    ],
    [
      'with 51 sources of variables',
      { ...spec, envFrom: times(51, { secretRef: { name: 'a' } }) },
      'spec.envFrom: Too many: 51: must have at most 50 items',
    ],
    ['with health but no path', { ...spec, health: {} }, 'spec.health.path: Required value'],
    [
      'with health on port 0',
      { ...spec, health: { path: '/', port: 0 } },
      'spec.health.port in body should be greater than or equal to 1',
    ],
    [
      'with a start-up time of 0 seconds',
      { ...spec, health: { path: '/', startupSeconds: 0 } },
      'spec.health.startupSeconds in body should be greater than or equal to 1',
    ],
    [
      'with a start-up time of more than an hour',
      { ...spec, health: { path: '/', startupSeconds: 3601 } },
      'spec.health.startupSeconds in body should be less than or equal to 3600',
    ],
    [
      'with an argument that is too long',
      { ...spec, args: ['a'.repeat(4097)] },
      'spec.args[0]: Too long: may not be more than 4096 bytes',
    ],
    [
      'with a command of 65 words',
      { ...spec, command: times(65, 'a') },
      'spec.command: Too many: 65: must have at most 64 items',
    ],
    [
      'with a command that is too long in total',
      { ...spec, command: times(5, 'a'.repeat(4000)) },
      'spec.command: Invalid value: must have at most 16384 characters in total',
    ],
    [
      'with arguments that are too long in total',
      { ...spec, args: times(5, 'a'.repeat(4000)) },
      'spec.args: Invalid value: must have at most 16384 characters in total',
    ],
    [
      'with a duplicate pull secret',
      { ...spec, imagePullSecrets: [{ name: 'a' }, { name: 'a' }] },
      'spec.imagePullSecrets[1]: Duplicate value',
    ],
    [
      'with a pull secret without a name',
      { ...spec, imagePullSecrets: [{}] },
      'spec.imagePullSecrets[0].name: Required value',
    ],
    [
      'with 11 pull secrets',
      { ...spec, imagePullSecrets: Array.from({ length: 11 }, (_, index) => ({ name: `a${index}` })) },
      'spec.imagePullSecrets: Too many: 11: must have at most 10 items',
    ],
    [
      'with a text instead of true or false',
      { ...spec, automountServiceAccountToken: 'yes' },
      'spec.automountServiceAccountToken',
    ],
    [
      'with an unknown operator of a toleration',
      tolerating({ key: 'a', operator: 'In' }),
      'spec.placement.tolerations[0].operator: Unsupported value: "In": supported values: "Equal", "Exists"',
    ],
    [
      'with an unknown effect of a toleration',
      tolerating({ key: 'a', effect: 'Never' }),
      'spec.placement.tolerations[0].effect: Unsupported value: "Never": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
    [
      'with 33 tolerations',
      { ...spec, placement: { tolerations: times(33, { key: 'a' }) } },
      'spec.placement.tolerations: Too many: 33: must have at most 32 items',
    ],
  ])('%s, and names the field', async (_, bad, message) => {
    await expect(createWebsite(transport, { namespace, name: 'bad' }, bad)).rejects.toThrow(message);
  });

  const WHITE_SPACE = 'must not contain white space';
  const KEY = 'must be a key of a Secret or ConfigMap: letters, digits, _, - and .';
  const REF = { name: 'a', key: 'a' };
  const SHARE = 'must be a number of Pods, or a percentage from 0% to 100%';
  const NO_POD = 'maxSurge and maxUnavailable must not both be 0, because no Pod could be replaced';
  const NODE_LABELS = 'must have at most 32 labels, each with a key such as topology.kubernetes.io/zone';
  it.each<readonly [string, unknown, string]>([
    ['env[0].valueFrom.secretKeyRef.name', 'Database', 'must be lower case'],
    ['env[0].valueFrom.configMapKeyRef.name', 'a/b', 'must be the name of a ConfigMap alone, without a namespace'],
    ['env[0].valueFrom.secretKeyRef.key', 'a/b', 'must be a key, and not a path'],
    ['env[0].valueFrom.secretKeyRef.key', 'a b', WHITE_SPACE],
    ['env[0].valueFrom.secretKeyRef.key', 'ä', KEY],
    ['env[0].valueFrom', {}, 'must have one of secretKeyRef and configMapKeyRef'],
    [
      'env[0].valueFrom',
      { secretKeyRef: REF, configMapKeyRef: REF },
      'must have one of secretKeyRef and configMapKeyRef',
    ],
    ['env[0]', { name: 'A', value: 'a', valueFrom: { secretKeyRef: REF } }, 'may have value or valueFrom, not both'],
    ['envFrom[0]', {}, 'must have one of secretRef and configMapRef'],
    [
      'envFrom[0]',
      { secretRef: { name: 'a' }, configMapRef: { name: 'a' } },
      'must have one of secretRef and configMapRef',
    ],
    ['envFrom[0].secretRef.name', 'my_secret', 'must not contain _'],
    ['envFrom[0].prefix', '1_', 'must not start with a digit'],
    ['envFrom[0].prefix', 'A=', 'must be a name without = and a value'],
    ['health.path', 'healthz', 'must begin with /'],
    ['health.path', '/a b', WHITE_SPACE],
    ['health.path', 'http://shop/healthz', 'must be a path alone, without a scheme and a host'],
    ['health.path', '/ü', 'must be a path such as /healthz, in printable ASCII'],
    ['imagePullSecrets[0].name', 'team-a/registry', 'must be the name of a Secret alone, without a namespace'],
    ['serviceAccountName', 'Shop', 'must be lower case'],
    ['serviceAccountName', 'system:shop', 'must be the name of a ServiceAccount: lower-case letters, digits, - and .'],
    ['rollout.maxSurge', -1, SHARE],
    ['rollout.maxSurge', 1001, SHARE],
    ['rollout.maxSurge', '101%', SHARE],
    ['rollout.maxUnavailable', '25', SHARE],
    ['rollout.maxUnavailable', '', SHARE],
    ['rollout', { maxSurge: 0, maxUnavailable: '0%' }, NO_POD],
    ['rollout', { maxSurge: '0%', maxUnavailable: 0 }, NO_POD],
    ['placement.nodeSelector', { 'a b': 'c' }, NODE_LABELS],
    ['placement.nodeSelector', { '/a': 'c' }, NODE_LABELS],
    ['placement.nodeSelector', { ['a'.repeat(64)]: 'c' }, NODE_LABELS],
    ['placement.tolerations[0]', {}, 'needs a key, or the operator Exists'],
    ['placement.tolerations[0]', { operator: 'Equal', value: 'a' }, 'needs a key, or the operator Exists'],
    [
      'placement.tolerations[0]',
      { key: 'a', operator: 'Exists', value: 'b' },
      'must have no value with the operator Exists',
    ],
    ['placement.tolerations[0]', { key: 'a', tolerationSeconds: 1 }, 'tolerationSeconds needs the effect NoExecute'],
    [
      'placement.tolerations[0]',
      { key: 'a', effect: 'NoSchedule', tolerationSeconds: 1 },
      'tolerationSeconds needs the effect NoExecute',
    ],
    ['placement.tolerations[0].key', 'a b', WHITE_SPACE],
    ['placement.tolerations[0].key', '/a', 'must be a label key such as topology.kubernetes.io/zone'],
  ])('whose %s is %j, and so does the schema: %s', async (path, value, message) => {
    const bad = specWith(path, value);
    await expect(createWebsite(transport, { namespace, name: 'bad' }, bad)).rejects.toThrow(refusal(path, message));
    const { error } = websiteSpec.safeParse(bad);
    expect(error?.issues).toMatchObject([{ message }]);
  });
});

it('The API server accepts the longest allowed command, and the schema agrees', async () => {
  const command = times(4, '😀'.repeat(4096));
  const website = await createWebsite(transport, { namespace, name: 'command' }, { ...spec, command });
  expect(websiteSpec.safeParse(website.spec).success).toBe(true);
  expect(websiteSpec.safeParse({ ...spec, command: [...command, 'a'] }).success).toBe(false);
  expect(websiteSpec.safeParse({ ...spec, command: ['😀'.repeat(4097)] }).success).toBe(false);
});
