import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isIn } from '../../../infra/forwarder/watch/shard.ts';

it('Every namespace is in exactly one shard', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 20 }), (namespace, count) => {
      const shards = Array.from({ length: count }, (_, index) => ({ index, count }));
      expect(shards.filter((shard) => isIn(shard, namespace))).toHaveLength(1);
    }),
  );
});

it('Shards have about the same number of namespaces', () => {
  const sizes = [0, 0, 0, 0];
  for (let each = 0; each < 4_000; each++) {
    for (const index of sizes.keys())
      if (isIn({ index, count: 4 }, `team-${each}`)) sizes[index] = (sizes[index] ?? 0) + 1;
  }
  expect(Math.min(...sizes)).toBeGreaterThan(900);
});
