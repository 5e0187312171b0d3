// Somebody with an empty cluster, who types what the pages say.
import { expect, inject } from 'vitest';
import { eventually } from '../eventually.ts';
import { startEmptyCluster } from '../faults/own-cluster.ts';
import { quietly } from '../kubernetes/kubectl.ts';
import { blocksOf, examplesIn, isAs, linesOf, type Block } from './page.ts';
import { startReader, type Reader } from './reader.ts';
import { SimulatedNodes } from './simulated-nodes.ts';

export const DOCS = 'docs/deploy';
/** Needs a release, which does not exist yet. */
const NOT_YET: ReadonlySet<string> = new Set(['Verify it', 'With the package of a release']);

/** Where the API server is. The one of these tests listens on loopback, so it names no address by itself. */
const ADDRESS = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['192.0.2.10'] }],
  ports: [{ name: 'https', port: 6443 }],
};

const started: { stop(): Promise<unknown> }[] = [];
/** Stops what was begun, the last first. */
export async function end(): Promise<void> {
  for (const each of started.splice(0).toReversed()) await each.stop();
}

export interface Session {
  /** Of an administrator. */
  readonly kubeconfig: string;
  readonly reader: Reader;
  readonly nodes: SimulatedNodes;
}

/** An empty cluster, and somebody before it who has read the page on images. */
export async function begin(
  standIns: readonly string[] = [],
  variables: Readonly<Record<string, string>> = {},
): Promise<Session> {
  const cluster = await startEmptyCluster();
  started.push(cluster);
  const { kubeconfig: KUBECONFIG } = cluster;
  const programs = { kubectl: inject('kubectl'), helm: inject('helm') };
  const reader = startReader(programs, ['docker', ...standIns], { ...variables, KUBECONFIG });
  started.push(reader);
  const nodes = new SimulatedNodes(inject('kubectl'), KUBECONFIG, reader.folder);
  started.push(nodes);
  await quietly(inject('kubectl'), ['--kubeconfig', KUBECONFIG, 'create', '-f', '-'], JSON.stringify(ADDRESS));
  const session = { kubeconfig: KUBECONFIG, reader, nodes };
  await read(`${DOCS}/images.md`, session);
  return session;
}

export interface Reading {
  /** Called before each block. */
  readonly before?: (block: Block) => Promise<void>;
  /** Which sections. */
  readonly only?: RegExp;
  /** Which blocks the reader leaves out, because the page says so. */
  readonly skip?: (block: Block) => boolean;
  /** Images of other workloads, which the reader did not build. */
  readonly others?: readonly string[];
  /** What the reader changes in a block, because the page says so. */
  readonly edit?: (text: string) => string;
}

/** Types everything on a page. @returns how many blocks that were. */
export async function read(page: string, session: Session, reading: Reading = {}): Promise<number> {
  const { only = /./, skip = () => false, edit = (text: string) => text, others = [] } = reading;
  const blocks = blocksOf(page).filter(
    (block) => block.language in TYPE && only.test(block.section) && !NOT_YET.has(block.section) && !skip(block),
  );
  for (const block of blocks) {
    await reading.before?.(block);
    const typed = { ...block, text: edit(block.text) };
    await TYPE[block.language]?.(typed, `${page}:${block.line}`, session, others);
  }
  return blocks.length;
}

/** Whether the page shows that the API server refuses what is typed. */
const isRefused = (command: string, prints: readonly string[]): boolean =>
  /^kubectl .*\b(apply|create)\b/.test(command) &&
  prints.length > 0 &&
  !prints.some((line) => /(created|configured|unchanged|applied)$/.test(line));

/** An API server that many tests keep busy takes a while to enforce a new policy. */
const PATIENT = { deadlineMs: 90_000 };

/** What is done with a block, by its language. */
const TYPE: Readonly<
  Record<string, (block: Block, where: string, session: Session, others: readonly string[]) => Promise<void>>
> = {
  async sh({ text }, where, { reader, nodes }, others) {
    await reader.run(text).catch((error: unknown) => {
      throw new Error(where, { cause: error });
    });
    await nodes.settle();
    const images = (await nodes.workloads()).map(({ container }) => container.image);
    const pushed = new Set([...reader.pushed(), ...others]);
    expect([where, images.filter((image) => !pushed.has(image))]).toEqual([where, []]);
  },
  async console(block, where, { reader }) {
    for (const { command, prints } of examplesIn(block)) {
      const printsThis = (typed: string) =>
        eventually(async () => {
          const lines = linesOf(await reader.try(typed));
          const isSame =
            lines.length === prints.length && prints.every((line, index) => isAs(line, lines[index] ?? ''));
          // The message shows the lines of the page beside those that were printed.
          if (!isSame) expect([where, ...lines]).toEqual([where, ...prints]);
        }, PATIENT);
      // What is accepted before the policy is enforced would stay, and be left alone from then on.
      if (isRefused(command, prints)) await printsThis(`${command} --dry-run=server`);
      await printsThis(command);
    }
  },
};
