// Words for people. The JSON, the logs and the history keep the stable words of programs.

/** A write as people read it: `update Deployment` for `replace Deployment`. */
export const writeText = (action: string): string => action.replace(/^replace /, 'update ');

/** A change of a plan, in the same words. */
export const changeText = ({ verb, kind }: { readonly verb: string; readonly kind: string }): string =>
  verb === 'update status' ? verb : writeText(`${verb} ${kind}`);

/** The writes that were not made last time. Which of them the API server refused, only its message says: others waited for those. */
export const triedAgainText = (changes: readonly Parameters<typeof changeText>[0][]): string =>
  `tries again what was not written last time, because the API server refused a write: ${changes
    .filter(({ verb }) => verb !== 'update status')
    .map(changeText)
    .join(', ')}`;

const EVENTS: ReadonlyMap<string, string> = new Map([
  ['first-seen', 'first seen'],
  ['spec-changed', 'the spec changed'],
  ['child-drifted', 'a child changed'],
]);

/** The reason of an event as people read it: `a child changed` for `child-drifted`. */
export const eventText = (reason: string): string => EVENTS.get(reason) ?? reason;
