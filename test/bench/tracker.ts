// When a requested change was first seen, by a watch of the cluster from outside.
import type { WebsiteKey } from '../../functions/website/resource.ts';
import type { WatchedObject } from '../../infra/forwarder/watch/observer.ts';

/** What is watched. */
export type Watched = 'deployment' | 'service' | 'website';
/** Whether an object is as expected, now that it was seen so. */
export type Sight = (object: WatchedObject, isGone: boolean) => boolean;

/**
 * Something that was asked for, and when each part of it was there: milliseconds after it was asked. A status counts once the children
 * are there too, because some operators write it at the same time.
 */
export interface Expectation {
  readonly askedAt: number;
  readonly after: Partial<Record<Watched, number>>;
  readonly missing: Map<Watched, Sight>;
}

export interface Tracker {
  /** Takes the time: it is called right before the request is sent. A later expectation of a Website replaces one before. */
  expect(key: WebsiteKey, sights: Partial<Record<Watched, Sight>>): Expectation;
  see(watched: Watched, object: WatchedObject, isGone: boolean): void;
  /** Resolves when everything was seen, or after the deadline. */
  settled(deadlineMs: number): Promise<void>;
}

export function tracker(now: () => number = () => performance.now()): Tracker {
  const expected = new Map<string, Expectation>();
  let whenSettled = () => {};

  function see(watched: Watched, object: WatchedObject, isGone: boolean): void {
    const key = `${object.metadata.namespace}/${websiteOf(watched, object.metadata.name)}`;
    const expectation = expected.get(key);
    const sight = expectation?.missing.get(watched);
    if (expectation === undefined || sight === undefined || !sight(object, isGone)) return;
    expectation.after[watched] = now() - expectation.askedAt;
    expectation.missing.delete(watched);
    if (expectation.missing.size > 0) return;
    if (expectation.after.website !== undefined)
      expectation.after.website = Math.max(...Object.values(expectation.after));
    expected.delete(key);
    if (expected.size === 0) whenSettled();
  }

  return {
    see,
    expect({ namespace, name }, sights) {
      const missing = new Map(Object.entries(sights) as [Watched, Sight][]);
      const expectation = { askedAt: now(), after: {}, missing };
      expected.set(`${namespace}/${name}`, expectation);
      return expectation;
    },
    async settled(deadlineMs) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        whenSettled = resolve;
        timer = setTimeout(resolve, deadlineMs);
        if (expected.size === 0) resolve();
      });
      clearTimeout(timer);
      // What was not seen by now never will be.
      expected.clear();
    },
  };
}

const websiteOf = (watched: Watched, name: string): string =>
  watched === 'website' ? name : name.slice(0, -`-${watched}`.length);

interface Spec {
  readonly image: string;
  readonly replicas: number;
}
type DeploymentSpec = {
  readonly replicas?: number;
  readonly template: { readonly spec?: { readonly containers: readonly { readonly image?: string }[] } };
};

const deploymentSpec = ({ spec }: WatchedObject): DeploymentSpec => spec as DeploymentSpec;

const hasSpec =
  ({ image, replicas }: Spec): Sight =>
  (object, isGone) => {
    const { replicas: count, template } = deploymentSpec(object);
    return !isGone && count === replicas && template.spec?.containers[0]?.image === image;
  };

interface Judgement {
  readonly type?: string;
  readonly status?: string;
  readonly observedGeneration?: number;
}

const isJudged =
  ({ image }: Spec): Sight =>
  ({ metadata, spec, status }) => {
    const { observedGeneration, conditions = [] } = (status ?? {}) as Judgement & { conditions?: Judgement[] };
    // kro says it in the conditions only.
    const observed = observedGeneration ?? conditions.find(({ type }) => type === 'Ready')?.observedGeneration;
    return observed === metadata.generation && (spec as Spec).image === image;
  };

/** A Website that is new: its children, and a status that judges it. */
export const made = (spec: Spec) => ({
  deployment: hasSpec(spec),
  service: (_: WatchedObject, isGone: boolean) => !isGone,
  website: isJudged(spec),
});

/** A Website with another spec. */
export const updated = (spec: Spec) => ({ deployment: hasSpec(spec), website: isJudged(spec) });

/** A Deployment that was scaled by hand is as it was. */
export function scaledBack(wrong: number, right: number): { deployment: Sight } {
  let wasWrong = false;
  return {
    deployment: (object) => {
      const { replicas } = deploymentSpec(object);
      wasWrong ||= replicas === wrong;
      return wasWrong && replicas === right;
    },
  };
}

/** A Deployment that was deleted by hand is there again. */
export function madeAgain(): { deployment: Sight } {
  let wasGone = false;
  return {
    deployment: (_, isGone) => {
      wasGone ||= isGone;
      return wasGone && !isGone;
    },
  };
}

/** A Website whose status says that its Deployment is rolled out. */
export const ready = () => ({
  website: ({ status }: WatchedObject) =>
    ((status ?? {}) as { conditions?: Judgement[] }).conditions?.some(
      (each) => each.type === 'Ready' && each.status === 'True',
    ) === true,
});

/** A Website that was deleted. */
export const gone = () => ({ website: (_: WatchedObject, isGone: boolean) => isGone });
