// The commands of docs/uninstall.md, run in order after those of docs/deploy/kubernetes.md, with the real garbage collector.
import { afterEach, expect, inject, it } from 'vitest';
import { eventually } from '../eventually.ts';
import { quietly } from '../kubernetes/kubectl.ts';
import { begin, DOCS, end, read, type Session } from './session.ts';

const PAGE = 'docs/uninstall.md';

/** The garbage collector notices only every 30 s that a kind is gone, and deletes what belonged to it after that. */
const COLLECTED = { deadlineMs: 120_000 };

afterEach(end);

/** Runs the first steps of docs/deploy/kubernetes.md. */
const install = (session: Session) => read(`${DOCS}/kubernetes.md`, session, { only: /^[123]\. / });

const kubectl = ({ kubeconfig }: Session, ...args: string[]) =>
  quietly(inject('kubectl'), ['--kubeconfig', kubeconfig, ...args]);

/** The uids of the site's Pods, and of the Pods behind its Service. They are the same while the site serves. */
async function serving(session: Session): Promise<{ pods: string[]; backends: string[] }> {
  const uids = (text: string) => text.split(' ').filter(Boolean).toSorted();
  const ready = 'jsonpath={.items[*].endpoints[?(@.conditions.ready==true)].targetRef.uid}';
  const slices = ['get', 'endpointslices', '-l', 'kubernetes.io/service-name=hello-service', '-o', ready];
  return {
    pods: uids(await kubectl(session, 'get', 'pods', '-l', 'app=hello', '-o', 'jsonpath={.items[*].metadata.uid}')),
    backends: uids(await kubectl(session, ...slices)),
  };
}

it('The commands of the page remove the programs and keep the sites, until its last section removes the sites', async () => {
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
        // Install the programs again.
        await install(session);
      }
      section = block.section;
      if (section !== 'Remove everything' || block.language === 'sh') expect(await serving(session)).toEqual(before);
    },
  });
  await eventually(async () => expect(await serving(session)).toEqual({ pods: [], backends: [] }), COLLECTED);
}, 240_000);

it('Deleting the CRD deletes the sites, even with --cascade=orphan', async () => {
  const session = await begin();
  await install(session);
  await kubectl(session, 'delete', 'crd', 'websites.stable.example.com', '--cascade=orphan');
  await eventually(async () => expect(await serving(session)).toEqual({ pods: [], backends: [] }), COLLECTED);
}, 240_000);
