// The commands of docs/moving.md, run in order after those that install the programs.
import { afterEach, expect, inject, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { quietly } from '../kubernetes/kubectl.ts';
import { blocksOf } from './page.ts';
import { begin, DOCS, end, read, type Session } from './session.ts';

const PAGE = 'docs/moving.md';

afterEach(end);

/** The names of the ready Pods behind the old Service. */
async function serving({ kubeconfig }: Session): Promise<string[]> {
  const ready = 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].targetRef.name}';
  const slices = ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=shop', '-o', ready];
  return (await quietly(inject('kubectl'), ['--kubeconfig', kubeconfig, ...slices])).split(' ').filter(Boolean);
}

it('The commands of the page move a site, whose Service has ready Pods before each command', async () => {
  const session = await begin();
  await read(`${DOCS}/kubernetes.md`, session, { only: /^[12]\. / });
  const steps = /^[2345]\. /;
  const first = blocksOf(PAGE).find(({ section }) => steps.test(section));
  const seen = new Map<string, string[]>();
  await read(PAGE, session, {
    only: steps,
    others: ['nginx:1.29'],
    async before({ section, line }) {
      // The first block creates the site.
      if (line === first?.line) return;
      const pods = await eventually(async () => {
        const now = await serving(session);
        expect(now).toHaveLength(2);
        return now;
      });
      if (!seen.has(section)) seen.set(section, pods);
    },
  });
  const [before, after] = [seen.get('3. Move the requests'), await serving(session)];
  expect(before?.filter((name) => name.startsWith('shop-web-'))).toEqual([]);
  expect(seen.get('4. Remove the old Pods')?.every((name) => name.startsWith('shop-web-'))).toBe(true);
  expect(after).toEqual(seen.get('4. Remove the old Pods'));
}, 240_000);
