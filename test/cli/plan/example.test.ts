// The example of docs/cli.md is what the program prints.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reconcile } from '../../../functions/website/reconcile.ts';
import { planAnswer, planManifests } from '../../../infra/cli/plan/plan.ts';
import { MemoryCluster } from '../../cluster/memory.ts';
import { NOW } from '../../fixtures/websites.ts';

const key = { namespace: 'default', name: 'shop' };
const now = () => NOW;

it('docs/cli.md shows the plan of a new image and one more replica as the program prints it', async () => {
  const cluster = new MemoryCluster();
  cluster.apply(key, { image: 'nginx:1.29', replicas: 2 });
  await reconcile(key, { cluster, now });
  cluster.rollOut();
  await reconcile(key, { cluster, now });
  const manifest = { where: 'shop.yaml', key, metadata: {}, spec: { image: 'nginx:1.30', replicas: 3 } };
  const plans = await planManifests([manifest], { cluster, now, transport: undefined as never });
  const [, shown = ''] = /\$ website plan -f shop\.yaml\n(.*?)\n```/s.exec(readFileSync('docs/cli.md', 'utf8')) ?? [];
  expect(shown).toBe(planAnswer(plans).text);
});
