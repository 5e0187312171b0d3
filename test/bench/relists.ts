// What it costs a forwarder to read everything again, and whether anything of it stays.
import { PLURAL } from '../../functions/website/resource.ts';
import { eventually } from '../eventually.ts';
import { faultProxy, type FaultProxy } from '../faults/proxy.ts';
import { pidOf, type Program } from '../program.ts';
import { withForwarder, type ForwarderOptions, type SyncedForwarder } from './forwarder-program.ts';
import { PATIENCE } from './measure.ts';
import { rssMiB } from './usage.ts';
import { KINDS } from '../../functions/website/children/kinds.ts';

export const RELISTS = 10;
const RESOURCES = [PLURAL, ...KINDS.map(({ plural }) => plural)];
/** A watch that ended sooner without a change did not work, and is backed off from: that is not what is measured. */
const WORKED_MS = 1_100;

export interface Relists {
  /** Of each relist, from the first list to the last resumed watch. */
  readonly ms: readonly number[];
  /** Before the first relist, and after each. */
  readonly rssMiB: readonly number[];
  /** In use before the first, and after the last. */
  readonly heapMiB: readonly [number, number];
}

/** Starts a forwarder and expires the versions of all its watches, again and again. */
export async function measureRelists(options: ForwarderOptions, count = RELISTS): Promise<Relists> {
  const proxy = await faultProxy(options.kubeconfig);
  // What passes through a fault is not remembered, and nothing is cut off here.
  proxy.misbehave(() => ({ truncateAfter: Infinity }));
  try {
    const through = { ...options, kubeconfig: proxy.kubeconfig, logLevel: 'debug' } as const;
    return await withForwarder(through, (forwarder) => relists(forwarder, proxy, count));
  } finally {
    await proxy.close();
  }
}

async function relists({ program, collected }: SyncedForwarder, proxy: FaultProxy, count: number): Promise<Relists> {
  const before = await collected();
  const ms: number[] = [];
  const rss = [rssMiB(pidOf(program), 'VmRSS')];
  while (ms.length < count) {
    await eventually(() => {
      const quietMs = Date.now() - Math.max(...times(program.lines, 'watching'));
      if (quietMs < WORKED_MS) throw new Error(`The watches are open for ${quietMs} ms`);
    }, PATIENCE);
    ms.push(await relist(program, proxy));
    rss.push(rssMiB(pidOf(program), 'VmRSS'));
  }
  const after = await collected();
  return { ms, rssMiB: rss, heapMiB: [before, after] };
}

async function relist(program: Program, proxy: FaultProxy): Promise<number> {
  const from = program.lines.length;
  const watched = watchedIn(program.lines);
  for (const plural of watched)
    proxy.add({
      path: new RegExp(`/${plural}\\?.*watch=1`),
      fault: { answer: 410, reason: 'Expired' },
      times: 1,
    });
  proxy.cutAll();
  return eventually(() => {
    const lines = program.lines.slice(from);
    const listing = lines.findIndex(({ state }) => state === 'listing');
    const listed = watched.filter((plural) => isListedAgain(lines.filter(({ resource }) => resource === plural)));
    if (listed.length < watched.length) throw new Error(`Only ${listed.join(', ') || 'nothing'} is listed again`);
    return Math.max(...times(lines, 'watching')) - Number(lines[listing]?.['time']);
  }, PATIENCE);
}

/** A cluster may lack the API of an optional kind. */
const watchedIn = (lines: readonly Record<string, unknown>[]): string[] =>
  RESOURCES.filter((plural) => lines.some(({ resource, state }) => resource === plural && state === 'watching'));

/** The watch has resumed after its list. */
function isListedAgain(lines: readonly Record<string, unknown>[]): boolean {
  const states = lines.map(({ state }) => state);
  return states.includes('listing') && states.lastIndexOf('watching') > states.lastIndexOf('listing');
}

const times = (lines: readonly Record<string, unknown>[], entered: string): number[] =>
  lines.filter(({ state }) => state === entered).map(({ time }) => Number(time));
