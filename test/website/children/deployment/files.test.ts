// The files of a Website as volumes and mounts: which ones are ours, and the condition if the cluster cannot mount them.
import { describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../../functions/cluster/errors.ts';
import { plan } from '../../../../functions/website/plan/plan.ts';
import { reconcile } from '../../../../functions/website/reconcile.ts';
import type { Deployment } from '../../../../functions/website/children/deployment/object.ts';
import { volumeName } from '../../../../functions/website/children/deployment/files.ts';
import type { Child } from '../../../../functions/website/children/kinds.ts';
import type { Website } from '../../../../functions/website/resource.ts';
import { MemoryCluster } from '../../../cluster/memory.ts';
import { desiredChild } from '../../../fixtures/children.ts';
import { aWebsite, NOW, SPEC } from '../../../fixtures/websites.ts';
import { STATED } from '../../../../functions/website/children/metadata.ts';

type PodSpec = NonNullable<Deployment['spec']['template']['spec']>;
type Parts = { volumes?: unknown[]; volumeMounts?: unknown[] };

const withFiles = (...files: object[]) => ({ ...SPEC, files });
const CACHE = { path: '/cache', emptyDir: {} };
const KEYS = { path: '/etc/keys', secret: { name: 'keys' } };
const PAGES = { path: '/html', image: { reference: 'pages:1' } };
const [cache, keys, pages] = [CACHE, KEYS, PAGES].map(({ path }) => volumeName(path));

/** The Deployment of a spec, after another writer has changed it. */
function deploymentOf(spec: object, change: (parts: Parts) => Parts = (parts) => parts, annotations = {}): Deployment {
  const deployment = structuredClone(desiredChild('Deployment', aWebsite(), spec)) as unknown as Deployment;
  Object.assign(deployment.metadata, { uid: 'uid-d', resourceVersion: '7', generation: 1 });
  Object.assign(deployment.metadata.annotations ?? {}, annotations);
  const pod = deployment.spec.template.spec as PodSpec;
  const { volumes, volumeMounts } = change(partsOf(pod));
  Object.assign(pod, { volumes });
  Object.assign(pod.containers[0] ?? {}, { volumeMounts });
  return deployment;
}

const partsOf = ({
  volumes = [],
  containers: [container],
}: PodSpec): { volumes: unknown[]; volumeMounts: unknown[] } => ({
  volumes,
  volumeMounts: container?.volumeMounts ?? [],
});

/** The volumes and mounts under another spec. Undefined if nothing is written. */
function after(spec: object, deployment: Deployment): Parts | undefined {
  const wanted = { Deployment: desiredChild('Deployment', aWebsite(), spec) };
  const [operation] = plan(aWebsite(), wanted, { Deployment: deployment }).steps.flat();
  const child = operation?.child as Deployment | undefined;
  return child && partsOf(child.spec.template.spec as PodSpec);
}

it('The name of a volume is unique for its path, and is a DNS label', () => {
  const paths = ['/a/b', '/a-b', '/a.b', '/A/b', '/-', '/.well-known', `/${'x'.repeat(500)}`, '/a'];
  const names = paths.map(volumeName);
  expect(new Set(names).size).toBe(paths.length);
  for (const name of names) expect(name).toMatch(/^files-[a-z0-9]([-a-z0-9]{0,55}[a-z0-9])?$/);
});

const THEIRS = { volumes: [{ name: 'ca', emptyDir: {} }], volumeMounts: [{ name: 'ca', mountPath: '/ca' }] };
const beside = ({ volumes = [], volumeMounts = [] }: Parts): Parts => ({
  volumes: [...THEIRS.volumes, ...volumes],
  volumeMounts: [...volumeMounts, ...THEIRS.volumeMounts],
});

it('A volume of another writer stays beside ours', () => {
  expect(after(withFiles(CACHE, KEYS), deploymentOf(withFiles(CACHE, KEYS), beside))).toBeUndefined();
});

it('Files that leave the spec leave the Deployment, and a volume of another writer stays', () => {
  expect(after(SPEC, deploymentOf(withFiles(CACHE, KEYS), beside))).toEqual(THEIRS);
  const left = after(withFiles(KEYS), deploymentOf(withFiles(CACHE, KEYS), beside));
  expect(left?.volumes).toMatchObject([{ name: 'ca' }, { name: keys }]);
  expect(left?.volumeMounts).toMatchObject([{ name: keys }, { name: 'ca' }]);
});

it('Without a valid annotation, only volumes named like files count as ours', () => {
  expect(after(SPEC, deploymentOf(withFiles(CACHE), beside, { [STATED]: '{' }))).toEqual(THEIRS);
});

it('Files get the order of the spec', () => {
  const parts = after(withFiles(KEYS, CACHE), deploymentOf(withFiles(CACHE, KEYS), beside));
  expect(parts?.volumes).toMatchObject([{ name: 'ca' }, { name: keys }, { name: cache }]);
});

it('Another source replaces the old one completely', () => {
  const parts = after(withFiles({ path: '/cache', secret: { name: 'keys' } }), deploymentOf(withFiles(CACHE)));
  expect(parts).toEqual({
    volumes: [{ name: cache, secret: { secretName: 'keys', defaultMode: 0o644 } }],
    volumeMounts: [{ name: cache, mountPath: '/cache', readOnly: true }],
  });
  const back = after(withFiles(CACHE), deploymentOf(withFiles({ path: '/cache', secret: { name: 'keys' } })));
  expect(back).toEqual({
    volumes: [{ name: cache, emptyDir: {} }],
    volumeMounts: [{ name: cache, mountPath: '/cache' }],
  });
});

it('A mount of another writer at the same path is replaced', () => {
  const deployment = deploymentOf(SPEC, () => ({ ...THEIRS, volumeMounts: [{ name: 'ca', mountPath: '/cache' }] }));
  expect(after(withFiles(CACHE), deployment)?.volumeMounts).toEqual([{ name: cache, mountPath: '/cache' }]);
});

describe('For one source,', () => {
  const limited = (parts: Parts): Parts => ({ ...parts, volumes: [{ name: cache, emptyDir: { sizeLimit: '1Gi' } }] });

  it('a limit that a policy set stays until the spec states one', () => {
    expect(after(withFiles(CACHE), deploymentOf(withFiles(CACHE), limited))).toBeUndefined();
    const stated = { path: '/cache', emptyDir: { sizeLimit: '64Mi' } };
    const parts = after(withFiles(stated), deploymentOf(withFiles(CACHE), limited));
    expect(parts?.volumes).toEqual([{ name: cache, emptyDir: { sizeLimit: '64Mi' } }]);
  });

  it('an equal limit stays in the form of the API server', () => {
    const stated = { path: '/cache', emptyDir: { sizeLimit: '1024Mi' } };
    expect(after(withFiles(stated), deploymentOf(withFiles(stated), limited))).toBeUndefined();
  });

  it('a limit that leaves the spec is removed', () => {
    const stated = { path: '/cache', emptyDir: { sizeLimit: '1Gi' } };
    expect(after(withFiles(CACHE), deploymentOf(withFiles(stated)))?.volumes).toEqual([{ name: cache, emptyDir: {} }]);
  });

  const pull = (reference: string, pullPolicy?: string) => {
    return { path: '/html', image: { reference, ...(pullPolicy === undefined ? {} : { pullPolicy }) } };
  };
  it.each<[string, object, object, string]>([
    ['follows a removed tag', pull('pages:1'), pull('pages'), 'Always'],
    ['follows another tag', pull('pages'), pull('pages:1'), 'IfNotPresent'],
    ['is that of the spec', pull('pages:1'), pull('pages:1', 'Never'), 'Never'],
    ['is the default again once it leaves the spec', pull('pages:1', 'Never'), pull('pages:1'), 'IfNotPresent'],
  ])('the pull policy %s', (_, from, to, expected) => {
    const parts = after(withFiles(to), deploymentOf(withFiles(from)));
    expect(parts?.volumes).toMatchObject([{ name: pages, image: { pullPolicy: expected } }]);
  });
});

describe('If the API server does not know image volumes,', () => {
  const key = { namespace: 'team-a', name: 'shop' };

  async function conditionOn(cluster: MemoryCluster): Promise<object | undefined> {
    cluster.apply(key, withFiles(CACHE, PAGES));
    await reconcile(key, { cluster, now: () => NOW });
    return (cluster.websites()[0] as Website).status?.conditions?.find(({ type }) => type === 'Ready');
  }

  it('the condition says so when it drops the field', async () => {
    const cluster = new MemoryCluster();
    cluster.admit = (child: Child) => {
      if (child.kind !== 'Deployment') return child;
      const copy = structuredClone(child);
      const volumes = copy.spec.template.spec?.volumes?.map(({ image, ...rest }) =>
        image === undefined ? rest : { ...rest, emptyDir: {} },
      );
      Object.assign(copy.spec.template.spec ?? {}, { volumes });
      return copy;
    };
    expect(await conditionOn(cluster)).toMatchObject({
      status: 'False',
      reason: 'Overridden',
      message: expect.stringContaining('does not support image volumes (files[].image)') as string,
    });
  });

  it('the condition says so when it refuses the volume without a source', async () => {
    const cluster = new MemoryCluster();
    const message =
      'Could not create Deployment: spec.template.spec.volumes[1]: Required value: must specify a volume type';
    vi.spyOn(cluster, 'create').mockRejectedValue(new ClusterError('Invalid', message));
    expect(await conditionOn(cluster)).toMatchObject({
      status: 'False',
      reason: 'Rejected',
      message: expect.stringContaining('does not support image volumes (files[].image)') as string,
    });
  });

  it('the condition says nothing about them when it refuses another volume', async () => {
    const cluster = new MemoryCluster();
    const message =
      'Could not create Deployment: spec.template.spec.volumes[0]: Required value: must specify a volume type';
    vi.spyOn(cluster, 'create').mockRejectedValue(new ClusterError('Invalid', message));
    expect(await conditionOn(cluster)).toMatchObject({ reason: 'Rejected', message });
  });
});
