// docs/uninstall.md, run in order where docs/deploy/kubernetes.md was before: the real garbage collector decides what stays.
import { afterEach, expect, inject, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { quietly } from '../kubernetes/kubectl.ts';
import { begin, DOCS, end, read, type Session } from './session.ts';

const PAGE = 'docs/uninstall.md';

afterEach(end);

/** Does what the first steps of the page on Kubernetes say. */
const install = (session: Session) => read(`${DOCS}/kubernetes.md`, session, { only: /^[123]\. / });

const kubectl = ({ kubeconfig }: Session, ...args: string[]) =>
  quietly(inject('kubectl'), ['--kubeconfig', kubeconfig, ...args]);

/** The Pods of the site by uid, and those that its Service leads to: the same while it serves. */
async function serving(session: Session): Promise<{ pods: string[]; backends: string[] }> {
  const uids = (text: string) => text.split(' ').filter(Boolean).toSorted();
  const ready = 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].targetRef.uid}';
  const slices = ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=hello-service', '-o', ready];
  return {
    pods: uids(await kubectl(session, 'get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].metadata.uid}')),
    backends: uids(await kubectl(session, ...slices)),
  };
}

it('the programs go and the sites stay, until somebody wants them gone', async () => {
  const session = await begin();
  await install(session);
  const before = await eventually(async () => {
    const now = await serving(session);
    expect(now.backends).toHaveLength(2);
    expect(now.backends).toEqual(now.pods);
    return now;
  });
  let section = '';
  await read(PAGE, session, {
    async before(block) {
      if (block.section !== section && block.section === 'Remove everything') {
        expect(await kubectl(session, 'get', 'crds', '-o', 'name')).not.toContain('websites');
        expect(await serving(session)).toEqual(before);
        // The way back.
        await install(session);
      }
      section = block.section;
      if (section !== 'Remove everything' || block.language === 'sh') expect(await serving(session)).toEqual(before);
    },
  });
  await eventually(async () => expect(await serving(session)).toEqual({ pods: [], backends: [] }));
}, 240_000);

it('deleting the CRD deletes the sites, whatever --cascade says', async () => {
  const session = await begin();
  await install(session);
  await kubectl(session, 'delete', 'crd', 'websites.stable.example.com', '--cascade=orphan');
  await eventually(async () => expect(await serving(session)).toEqual({ pods: [], backends: [] }));
}, 240_000);
