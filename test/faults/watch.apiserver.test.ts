// Faults between the forwarder, run as a program, and the API server.
// Tests that look inside the forwarder are in test/forwarder/watch/watch.apiserver.test.ts.
import { afterEach, beforeEach, describe, expect, inject, it, onTestFailed } from 'vitest';
import { eventually } from '../eventually.ts';
import { createWebsite, patchWebsite, remove, removeWebsite } from '../real-cluster.ts';
import { everyLineTwice, withoutLine, type Fault } from './fault.ts';
import { forceList, isReady, LIST, openStage, WATCH, type Stage } from './stage.ts';

const spec = { image: 'nginx:1', replicas: 0 };

let stage: Stage;

beforeEach(async () => {
  const access = { kubeconfig: inject('kubeconfig'), forwarderKubeconfig: inject('forwarderKubeconfig') };
  stage = await openStage(access, 'watch-faults');
});
afterEach(() => stage.close());

const create = (name: string) => createWebsite(stage.admin, stage.key(name), spec);
const scale = async (name: string, replicas: number) => {
  await patchWebsite(stage.admin, stage.key(name), { spec: { replicas } });
};
const last = (name: string) => stage.sink.accepted.findLast((event) => event.name === name);
const told = (name: string) => stage.sink.accepted.filter((event) => event.name === name).map(({ type }) => type);

/** The last event of every existing Website is about its present state. */
async function lastStatesArrive(): Promise<void> {
  const websites = await stage.websites();
  await eventually(() => {
    for (const { metadata } of websites)
      expect(last(metadata.name)).toMatchObject({
        type: 'changed',
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      });
  });
}

describe('A watch that loses', () => {
  /** Makes five changes of two Websites, some of which the watch loses. */
  async function changesInAWatchWith(fault: Fault): Promise<void> {
    stage.api.add({ path: WATCH, fault, times: 1 });
    // The Websites of other tests would make the list long.
    const forwarder = await stage.start('--namespaces', stage.namespace, '--log-level', 'debug');
    onTestFailed(() => void process.stderr.write(`${forwarder.text.slice(-50).join('\n')}\n`));
    await isReady(forwarder);
    await create('stays');
    await scale('stays', 1);
    await create('goes');
    await removeWebsite(stage.admin, stage.key('goes'));
    await scale('stays', 2);
    await create('end-of-changes');
  }
  /** Moves the watch on past a change, so that only a list reveals it. */
  const bookmarkOf = (line: string): string => {
    const { object } = JSON.parse(line) as { object: { metadata: { resourceVersion: string } } };
    return JSON.stringify({ type: 'BOOKMARK', object: { metadata: object.metadata } });
  };
  const ours = () => `"namespace":"${stage.namespace}"`;
  const each = [1, 2, 3, 4, 5];

  it.each(each)('change %d of five is repaired by the next change of its Website', async (count) => {
    await changesInAWatchWith(withoutLine(count, ours()));
    await eventually(() => expect(told('end-of-changes')).toEqual(['changed']));
    await scale('stays', 3);
    await create('goes');
    await lastStatesArrive();
  });

  it.each(each)('change %d of five is repaired by the next list', async (count) => {
    await changesInAWatchWith(withoutLine(count, ours()));
    await eventually(() => expect(told('end-of-changes')).toEqual(['changed']));
    forceList(stage.api);
    await lastStatesArrive();
    // A Website that was created and deleted unseen needs no event.
    await eventually(() => expect(told('goes').at(-1) ?? 'deleted').toBe('deleted'));
  });

  it('every change is repaired by the next list', async () => {
    const lost: string[] = [];
    await changesInAWatchWith({ lines: (line) => (lost.push(line), [bookmarkOf(line)]) });
    // The forwarder is ready before its watch is open. A list before that would end another watch than this one.
    await eventually(() => expect(lost.join('\n')).toContain('"name":"end-of-changes"'));
    expect(stage.sink.accepted).toEqual([]);
    forceList(stage.api);
    await lastStatesArrive();
  });
});

describe('A watch', () => {
  it('that repeats every line causes each event only once', async () => {
    stage.api.add({ path: WATCH, fault: everyLineTwice });
    await isReady(await stage.start());
    for (const step of ['created', 'scaled', 'deleted', 'created again']) {
      const count = stage.sink.accepted.length;
      if (step.startsWith('created')) await create('twice');
      else if (step === 'scaled') await scale('twice', 1);
      else await removeWebsite(stage.admin, stage.key('twice'));
      await eventually(() => expect(stage.sink.accepted.length).toBeGreaterThan(count));
    }
    await create('end');
    await eventually(() => expect(told('end')).toEqual(['changed']));
    expect(told('twice')).toEqual(['changed', 'changed', 'deleted', 'changed']);
  });

  it('that repeats an old deletion after the Website was created again causes no deleted event for the new Website', async () => {
    let deletion = '';
    const late = (line: string): string[] => {
      if (!line.includes(`"namespace":"${stage.namespace}"`) || !line.includes('"name":"again"')) return [line];
      if (line.startsWith('{"type":"DELETED"')) deletion = line;
      return line.startsWith('{"type":"ADDED"') && deletion !== '' ? [line, deletion] : [line];
    };
    stage.api.add({ path: WATCH, fault: { lines: late } });
    await isReady(await stage.start());
    await create('again');
    await eventually(() => expect(told('again')).toEqual(['changed']));
    await removeWebsite(stage.admin, stage.key('again'));
    await eventually(() => expect(told('again')).toEqual(['changed', 'deleted']));
    const { uid } = (await create('again')).metadata;
    await scale('again', 1);
    await lastStatesArrive();
    expect(stage.sink.accepted.filter((event) => event.uid === uid).map(({ type }) => type)).not.toContain('deleted');
  });
});

describe('A list', () => {
  it.each<[string, Fault]>([
    ['that ends too soon', { truncateAfter: 300 }],
    ['that breaks off', { cutAfter: 300 }],
    ['that comes in small pieces', { pieceEveryMs: 1 }],
  ])('%s loses no Website and reports no deletion', async (_, fault) => {
    await create('before');
    // The Websites of other tests would make the list long, and its pieces many.
    await isReady(await stage.start('--namespaces', stage.namespace));
    await lastStatesArrive();
    stage.api.add({ path: LIST, fault, times: 2 });
    forceList(stage.api);
    await create('meanwhile');
    await lastStatesArrive();
    expect(stage.sink.accepted.map(({ type }) => type)).not.toContain('deleted');
  });
});

describe('A stale list from a cache', () => {
  const isCached = /[?&]resourceVersion(Match)?=(0|NotOlderThan)?(&|$)/;

  it('is never requested', async () => {
    await create('there');
    await isReady(await stage.start());
    stage.api.add({ path: LIST, fault: { answer: 500 }, times: 1 });
    forceList(stage.api);
    const lists = () => stage.api.requests.filter((request) => LIST.test(request));
    await eventually(() => expect(lists().length).toBeGreaterThanOrEqual(3));
    stage.api.cutAll();
    await create('after');
    await lastStatesArrive();
    expect(stage.api.requests.filter((request) => isCached.test(request))).toEqual([]);
    expect(lists().filter((request) => request.includes('resourceVersion'))).toEqual([]);
  });

  it('is corrected by the watch that continues from it', async () => {
    await create('deleted-since');
    await isReady(await stage.start());
    await lastStatesArrive();
    await create('made-since');
    await removeWebsite(stage.admin, stage.key('deleted-since'));
    await eventually(() => expect(told('deleted-since').at(-1)).toBe('deleted'));
    await lastStatesArrive();
    stage.api.add({ path: LIST, fault: { stale: true }, times: 1 });
    const events = stage.sink.accepted.length;
    forceList(stage.api);
    await eventually(() => expect(stage.sink.accepted.length).toBeGreaterThan(events + 1));
    await create('end');
    await lastStatesArrive();
    await eventually(() => expect(told('deleted-since').at(-1)).toBe('deleted'));
  });
});

it('Deleting a namespace leads to a deleted event for each of its Websites', async () => {
  const names = ['a', 'b', 'c'];
  for (const name of names) await create(name);
  await isReady(await stage.start());
  await lastStatesArrive();
  await remove(stage.admin, `/api/v1/namespaces/${stage.namespace}`);
  await eventually(() => expect(names.map((name) => told(name).at(-1))).toEqual(names.map(() => 'deleted')));
});
