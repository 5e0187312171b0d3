// The phase in which Websites change at a rate of its own.
import { setTimeout as delay } from 'node:timers/promises';
import type { Website } from '../../functions/website/resource.ts';
import { createWebsite, patchWebsite, removeWebsite } from '../real-cluster.ts';
import { secondsSince } from './measure.ts';
import { deadlineMs, keyOf, SITES, type Course, type Stage } from './load.ts';
import type { Change } from './stages.ts';
import { made, updated, type Expectation } from './tracker.ts';

const TICK_MS = 5;
/** Of 155 changes, as in the scenario that is published for a Website operator in Go (docs/performance.md). */
const MIX = { of: 155, creates: 12, deletes: 2 };
/** Websites that are made before one of them is deleted. */
const HEAD_START = 100;

/** A change that was asked for. */
interface Asked extends Pick<Change, 'eventId' | 'askedOn'> {
  readonly expectation: Expectation;
}

/** Changes at a rate of its own, whether or not the ones before are there yet: what a cluster is like that is lived in. */
export async function churn(stage: Stage): Promise<Course> {
  const { perSecond, seconds } = stage.load.churn;
  const start = performance.now();
  const sent: Promise<Asked | undefined>[] = [];
  while (sent.length < perSecond * seconds) {
    const due = Math.min(perSecond * seconds, perSecond * secondsSince(start));
    while (sent.length < due) sent.push(change(stage, sent.length));
    await delay(TICK_MS);
  }
  const asked = (await Promise.all(sent)).filter((each) => each !== undefined);
  await stage.tracker.settled(deadlineMs(stage.load));
  const changes = asked.flatMap(({ eventId, askedOn, expectation: { after } }) =>
    after.website === undefined ? [] : [{ eventId, askedOn, seenOn: askedOn + after.website }],
  );
  return { expectations: asked.map(({ expectation }) => expectation), own: {}, changes };
}

/** The next change of a churn: a Website that is new, one of those that goes, or another image of one that was there. */
async function change(stage: Stage, index: number): Promise<Asked | undefined> {
  const turn = index % MIX.of;
  const round = Math.floor(index / MIX.of);
  const askedOn = Date.now();
  const spec = SITES[stage.load.site];
  if (turn < MIX.creates) {
    const key = keyOf(stage, 'churn', round * MIX.creates + turn);
    const expectation = stage.tracker.expect(key, made(spec));
    return { expectation, askedOn, eventId: eventIdOf(await createWebsite(stage.transport, key, spec)) };
  }
  if (turn < MIX.creates + MIX.deletes) {
    const oldest = round * MIX.deletes + turn - MIX.creates;
    if (round * MIX.creates > oldest + HEAD_START) await removeWebsite(stage.transport, keyOf(stage, 'churn', oldest));
    return undefined;
  }
  const update = round * (MIX.of - MIX.creates - MIX.deletes) + turn - MIX.creates - MIX.deletes;
  const image = `nginx:2.${Math.floor(update / stage.load.websites)}`;
  const key = keyOf(stage, 'site', update % stage.load.websites);
  const expectation = stage.tracker.expect(key, updated({ ...spec, image }));
  const website = (await patchWebsite(stage.transport, key, { spec: { image } })) as Website;
  return { expectation, askedOn, eventId: eventIdOf(website) };
}

const eventIdOf = ({ metadata: { uid, resourceVersion } }: Website): string => `${uid}.${resourceVersion}`;
