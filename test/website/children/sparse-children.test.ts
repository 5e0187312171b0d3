// Others may remove any field of a child that the API server lets them remove. No such child may make a run fail: its Website
// would keep its old status, and its events would be sent forever.
import { beforeEach, describe, expect, it } from 'vitest';
import { CHILD_KINDS, kindOf, type Child, type ChildKind } from '../../../functions/website/children/kinds.ts';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { acceptedBy } from '../../gateway.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { askingFor } from '../../fixtures/asking.ts';
import { NOW, SPEC } from '../../fixtures/websites.ts';

const key = { namespace: 'team-a', name: 'shop' };

/** The API server stores no child without these. */
const REQUIRED = /^(spec\.selector|spec\.template(\.spec\.containers)?|status\.parents\.\d+\.parentRef)$/;

/** Every path below a value, the deepest last. */
function pathsIn(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => [[...path, name], ...pathsIn(part, [...path, name])]);
}

const partsOf = (child: object): string[][] =>
  pathsIn(child).filter((path) => path.length > 1 && !REQUIRED.test(path.join('.')));

function withoutPath(object: object, path: readonly string[]): object {
  const copy = structuredClone(object) as Record<string, unknown>;
  let parent = copy;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, unknown>;
  const last = path.at(-1) ?? '';
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return copy;
}

let cluster: MemoryCluster;
const run = () => reconcile(key, { cluster, now: () => NOW });
const childOf = (kind: ChildKind) => cluster.children().find((child) => child.kind === kind) as Child;

async function settle(kind: ChildKind): Promise<void> {
  cluster = new MemoryCluster();
  cluster.apply(key, { ...SPEC, ...askingFor(kind) });
  await run();
  cluster.rollOut();
  const child = childOf(kind);
  if (child.kind === 'HTTPRoute') cluster.edit(child, { status: acceptedBy(child) });
  await run();
}

describe.each(CHILD_KINDS)('A %s', (kind) => {
  beforeEach(() => settle(kind));

  it('without any one part of its spec or status makes no run fail', async () => {
    const whole = childOf(kind);
    const paths = partsOf({ spec: whole.spec, status: whole.status });
    expect(paths.length).toBeGreaterThan(3);
    const start = cluster;
    for (const path of paths) {
      cluster = start.copy();
      cluster.edit(childOf(kind), withoutPath(whole, path));
      const result = await run().catch((error: unknown) => error);
      expect(result, `without ${path.join('.')}`).toMatchObject({ outcome: {} });
      const watched = () => kindOf(kind).watchedStatus?.(childOf(kind).status);
      expect(watched, `without ${path.join('.')}`).not.toThrow();
    }
  });

  it('of another owner without any one part of its spec is a conflict', async () => {
    const whole = childOf(kind);
    const paths = partsOf({ spec: whole.spec });
    const start = cluster;
    for (const path of paths) {
      cluster = start.copy();
      const { metadata } = whole;
      const foreign = { ...whole, metadata: { ...metadata, labels: {}, ownerReferences: [] } };
      cluster.edit(childOf(kind), withoutPath(foreign, path));
      const result = await run().catch((error: unknown) => error);
      expect(result, `without ${path.join('.')}`).toMatchObject({
        outcome: { kind: 'stalled', reason: 'NameConflict' },
      });
    }
  });
});
