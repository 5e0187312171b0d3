// A forwarder that ends loses no change, because it reads the state from the cluster when it starts.
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { eventually } from '../eventually.ts';
import type { Program } from '../program.ts';
import { createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import { settling, type Seen } from './settle.ts';
import { isReady, LIST, openStage, WATCH, type Stage } from './stage.ts';

const spec = { image: 'nginx:1', replicas: 0 };
const sites = Array.from({ length: 12 }, (_, index) => `site-${String(index).padStart(2, '0')}`);

let stage: Stage;
/** The generation of each Website that was read after an event for it, by uid. */
let seen: Map<string, Seen>;

beforeEach(async () => {
  const access = { kubeconfig: inject('kubeconfig'), forwarderKubeconfig: inject('forwarderKubeconfig') };
  stage = await openStage(access, 'restarts');
  seen = settling(stage);
});
afterEach(() => stage.close());

const create = (name: string) => createWebsite(stage.admin, stage.key(name), spec);
const createAll = () => Promise.all(sites.map(create));
const scale = async (name: string, replicas: number) => {
  await patchWebsite(stage.admin, stage.key(name), { spec: { replicas } });
};

/** Waits until each existing Website had an event after its last change. @returns their names. */
async function namesThatArrived(): Promise<string[]> {
  const states = (await stage.websites()).map(({ metadata: { name, uid, generation } }) => ({ name, uid, generation }));
  await eventually(() =>
    expect(states.map((state) => ({ ...state, generation: seen.get(state.uid)?.generation }))).toEqual(states),
  );
  return states.map(({ name }) => name);
}

async function kill(program: Program): Promise<void> {
  program.process.kill('SIGKILL');
  await program.exit;
}

describe('A forwarder that is killed', () => {
  const moments: Readonly<Record<string, (program: Program) => Promise<void>>> = {
    'before its first list succeeded': async () => {
      await createAll();
    },
    'after its first list, before any delivery': async (program) => {
      stage.sink.answer = () => ({ status: 503 });
      await createAll();
      await isReady(program);
      await eventually(() => expect(stage.sink.attempts.length).toBeGreaterThan(0));
    },
    'while the sink holds every event without an answer': async (program) => {
      stage.sink.answer = () => ({ status: 503, after: new Promise(() => {}) });
      await isReady(program);
      await createAll();
      await eventually(() => expect(stage.sink.attempts).toHaveLength(sites.length));
    },
    'after half of the events were accepted': async (program) => {
      stage.sink.answer = ({ name }) => ({ status: sites.indexOf(name) % 2 === 0 ? 204 : 503 });
      await isReady(program);
      await createAll();
      await eventually(() => expect(stage.sink.accepted).toHaveLength(sites.length / 2));
    },
    'after all events were accepted and some Websites changed again': async (program) => {
      await isReady(program);
      await createAll();
      await namesThatArrived();
      stage.sink.answer = () => ({ status: 503 });
      for (const name of sites.slice(0, 4)) await scale(name, 1);
      await eventually(() => expect(stage.sink.attempts.map(({ generation }) => generation)).toContain(2));
    },
  };

  it.each(Object.entries(moments))('%s loses no change', async (moment, until) => {
    if (moment === 'before its first list succeeded') stage.api.add({ path: LIST, fault: { answer: 503 } });
    const program = await stage.start();
    await until(program);
    await kill(program);
    stage.api.heal();
    stage.sink.answer = () => ({});
    // Changes while no forwarder runs.
    await scale('site-07', 5);
    await create('late');
    await stage.start();
    expect(await namesThatArrived()).toEqual(['late', ...sites]);
  });

  it('requests one resync for settled Websites when it restarts, and sends an event only for the changed one', async () => {
    const first = await stage.start();
    await isReady(first);
    await createAll();
    expect(await namesThatArrived()).toEqual(sites);
    await kill(first);
    await removeWebsite(stage.admin, stage.key('site-00'));
    await scale('site-01', 1);
    const [events, resyncs, asked] = [stage.sink.accepted.length, stage.sink.resyncs.length, stage.api.requests.length];
    await isReady(await stage.start());
    expect(await namesThatArrived()).toEqual(sites.slice(1));
    await eventually(() => expect(stage.sink.resyncs.length).toBeGreaterThan(resyncs));
    // One list, unless a machine that is very busy lost a watch.
    const lists = stage.api.requests.slice(asked).filter((request) => LIST.test(request)).length;
    expect(stage.sink.resyncs.length - resyncs).toBeLessThanOrEqual(lists);
    // The status that the sink writes is an edit by a stranger, which leads to another event about this Website.
    expect(new Set(stage.sink.accepted.slice(events).map(({ name }) => name))).toEqual(new Set(['site-01']));
  });
});

it('A forwarder that is restarted again and again under load loses no change', async () => {
  const end = new AbortController();
  let changes = 0;
  const load = async () => {
    for (let round = 1; !end.signal.aborted; round++)
      for (const name of sites) {
        await scale(name, round);
        changes++;
      }
  };
  await createAll();
  const loading = load();
  for (let time = 1; time <= 4; time++) {
    const program = await stage.start();
    const [watches, before] = [stage.api.requests.length, changes];
    await eventually(() => expect(stage.api.requests.slice(watches).some((each) => WATCH.test(each))).toBe(true));
    await eventually(() => expect(changes).toBeGreaterThan(before + sites.length));
    expect(await program.stop()).toBe(0);
  }
  end.abort();
  await loading;
  await stage.start();
  expect(await namesThatArrived()).toEqual(sites);
});
