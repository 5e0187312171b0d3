// A write that a policy changes each time: its message, when it is repeated, and how a resync handles it.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import { resyncWebsites } from '../../../functions/resync-websites.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { REQUESTED_AT, type Website } from '../../../functions/website/resource.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';
import type { Deployment } from '../../../functions/website/children/deployment/object.ts';
import type { Child } from '../../../functions/website/children/kinds.ts';
import { STATED } from '../../../functions/website/children/metadata.ts';

const key = { namespace: 'team-a', name: 'shop' };
type Container = NonNullable<Deployment['spec']['template']['spec']>['containers'][number];
type Draft = {
  metadata: Deployment['metadata'];
  container: { -readonly [Field in keyof Container]: Container[Field] };
};

let cluster: MemoryCluster;
const now = () => NOW;
const run = () => reconcile(key, { cluster, now });
const status = () => (cluster.websites()[0] as Website).status;
const message = () => status()?.conditions?.find(({ type }) => type === 'Ready')?.message;
const deployment = () => cluster.children().find((child): child is Deployment => child.kind === 'Deployment');
const image = () => deployment()?.spec.template.spec?.containers[0]?.image;
const log = { debug() {}, info() {}, warn: vi.fn(), error: vi.fn() };
const resync = () => resyncWebsites({ cluster, now, log, resyncPlace: { last: undefined } }, { retryAfterMs: [] });

const policy = (change: (draft: Draft) => void) => (child: Child) => {
  if (child.kind !== 'Deployment') return child;
  const copy = structuredClone(child);
  const [container] = copy.spec.template.spec?.containers ?? [];
  if (container !== undefined) change({ metadata: copy.metadata, container });
  return copy;
};
const mirror = policy(({ container }) => {
  container.image = container.image?.replace(/^(mirror\/)?/, 'mirror/') ?? '';
});

async function overridden(spec: object = SPEC): Promise<void> {
  cluster.apply(key, spec);
  await run();
  cluster.rollOut();
  await run();
  expect(await run()).toMatchObject({ outcome: { kind: 'stalled', reason: 'Overridden' }, actions: [] });
  expect(status()?.overridden).toHaveLength(1);
}

beforeEach(() => {
  cluster = new MemoryCluster();
  cluster.admit = mirror;
});

it('The message names only the field if its value may be confidential', async () => {
  cluster.admit = policy(({ container }) => {
    container.args = [...(container.args ?? []).slice(0, 1), '--password=of-the-policy'];
  });
  await overridden({ ...SPEC, args: ['serve', '--password=of-the-spec'] });
  expect(message()).toContain('spec.template.spec.containers[0].args[1]');
  expect(message()).not.toContain('password');
});

it('The message names each child that a policy changes', async () => {
  cluster.admit = (child) =>
    child.kind === 'Service' ? { ...child, spec: { ...child.spec, selector: { app: 'other' } } } : mirror(child);
  cluster.apply(key, SPEC);
  await run();
  cluster.rollOut();
  await run();
  expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Overridden' });
  expect(message()).toMatch(
    /^Deployment shop-deployment does not stay as written, .*\. Service shop-service does not stay/,
  );
});

describe('An overridden write is repeated', () => {
  beforeEach(() => overridden());

  it.each<[string, () => unknown]>([
    ['if somebody requests a reconcile', () => cluster.apply(key, SPEC, { annotations: { [REQUESTED_AT]: 'now' } })],
    ['if the spec changes', () => cluster.apply(key, { ...SPEC, image: 'nginx:2' })],
    [
      'if the child changes in the same field',
      () => {
        const { spec, ...rest } = deployment() as Deployment;
        const containers = (spec.template.spec?.containers ?? []).map((each) => ({ ...each, image: 'other' }));
        const template = { ...spec.template, spec: { ...spec.template.spec, containers } };
        cluster.edit({ spec, ...rest }, { spec: { ...spec, template } });
      },
    ],
  ])('%s, and only once', async (_, happens) => {
    happens();
    expect((await run()).actions).toContain('replace Deployment');
    await run();
    expect((await run()).actions).toEqual([]);
  });

  it('if the previous write was refused, because refusals are not remembered', async () => {
    cluster.apply(key, { ...SPEC, image: 'nginx:2' });
    const refuse = vi.spyOn(cluster, 'replace').mockRejectedValue(new ClusterError('Invalid', 'not here'));
    expect((await run()).outcome).toMatchObject({ kind: 'stalled', reason: 'Rejected' });
    expect(status()?.overridden).toBeUndefined();
    refuse.mockRestore();
    expect((await run()).actions).toContain('replace Deployment');
  });

  it('after a suspension, which clears the memory', async () => {
    cluster.apply(key, { ...SPEC, suspend: true });
    await run();
    expect(status()?.overridden).toBeUndefined();
    cluster.apply(key, SPEC);
    expect((await run()).actions).toContain('replace Deployment');
  });
});

describe('The message about an overridden write', () => {
  const secret = [{ name: 'TOKEN', value: 'secret-of-the-spec' }];

  it('contains no value of a variable or an annotation', async () => {
    cluster.admit = policy(({ metadata, container }) => {
      Object.assign(metadata.annotations ?? {}, { [STATED]: 'secret-annotation' });
      container.env = [{ name: 'TOKEN', value: 'secret-of-a-policy' }];
    });
    await overridden({ ...SPEC, env: secret });
    expect(message()).toContain(`metadata.annotations.${STATED}, spec.template.spec.containers[0].env`);
    expect(message()).not.toContain('secret');
  });

  it('names five fields, and counts the others', async () => {
    const env = Array.from({ length: 7 }, (_, index) => ({ name: `V${index}`, value: 'a' }));
    cluster.admit = policy(({ container }) => {
      container.env = env.map(({ name }) => ({ name, value: 'b' }));
    });
    await overridden({ ...SPEC, env });
    expect(message()?.match(/\.env/g)).toHaveLength(5);
    expect(message()).toMatch(/, and 2 more$/);
  });

  it('shortens long values', async () => {
    cluster.admit = policy(({ container }) => {
      container.image = `mirror/${'x'.repeat(10_000)}`;
    });
    await overridden();
    expect(message()?.length).toBeLessThan(400);
  });
});

describe('A resync', () => {
  it('makes no dry run for a Website whose writes last', async () => {
    cluster.admit = (child) => child;
    cluster.apply(key, SPEC);
    await run();
    const rehearse = vi.spyOn(cluster, 'rehearse');
    await resync();
    expect(rehearse).not.toHaveBeenCalled();
  });

  it('writes nothing if the dry run shows the same result', async () => {
    await overridden();
    const { writes } = cluster;
    expect(await resync()).toMatchObject({ differing: 0, stalled: 0 });
    expect(cluster.writes).toBe(writes);
  });

  it('repeats the write if it would last now, even after a lost race', async () => {
    await overridden();
    cluster.admit = (child) => child;
    vi.spyOn(cluster, 'replace').mockRejectedValueOnce(new ClusterError('Conflict', 'another was faster'));
    expect(await resync()).toMatchObject({ differing: 1, repaired: 1, failed: 0 });
    expect(image()).toBe(SPEC.image);
    expect(status()?.overridden).toBeUndefined();
  });

  it('continues if the dry run is forbidden', async () => {
    await overridden();
    vi.spyOn(cluster, 'rehearse').mockRejectedValue(new ClusterError('Forbidden', 'not you'));
    expect(await resync()).toMatchObject({ seen: 1, failed: 0, unreached: 0 });
  });
});
