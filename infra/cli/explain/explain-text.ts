import type { ChildLine, DifferentField } from './deviations.ts';
import type { Explanation } from './explain.ts';
import { changesText } from '../plan/plan.ts';
import type { StatusProblem } from '../status-problem.ts';
import { table } from '../../table.ts';
import { age, printable, styled } from '../../text.ts';
import { triedAgainText } from '../../words.ts';

/** The explanation as one page. A part without content is left out. */
export function explanationText(explanation: Explanation, now: Date): string {
  const { children, pods, events, differentFields, hidden } = explanation;
  const parts: readonly (readonly [title: string, text: string])[] = [
    ['What to do', [todoText(explanation, now), ...orphansToDo(explanation)].filter((text) => text !== '').join('\n')],
    ['Children', table(children.map((child) => [child.kind, printable(child.name), childText(child)]))],
    ['Pods', table(pods.map(({ name, cause }) => [printable(name), printable(cause)]))],
    ['Not as the spec declares', table(differentFields.map(fieldCells))],
    ['The next reconcile', nextText(explanation)],
    [
      'Last Events',
      table(
        events.map((event) =>
          [age(event.at, now), event.type, event.reason, event.about, event.message].map(printable),
        ),
      ),
    ],
    ['Not shown', hidden.length === 0 ? '' : `Your user may not read: ${hidden.join(', ')}`],
  ];
  const shown = parts
    .filter(([, text]) => text !== '')
    .map(([title, text]) => `${styled('bold', title)}\n${indented(text)}`);
  return [stateText(explanation, now), ...shown].join('\n\n');
}

function childText({ owner, isLeftOver }: ChildLine): string {
  if (owner === undefined) return 'is missing';
  return isLeftOver === true ? `belongs to ${owner}, and the spec does not declare it` : `belongs to ${owner}`;
}

const fieldCells = ({ kind, path, manager }: DifferentField): string[] => [
  kind,
  path,
  manager === undefined ? 'the API server does not know who wrote it last' : `last written by ${printable(manager)}`,
];

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');

function stateText(explanation: Explanation, now: Date): string {
  const { website, url, ready, failure, statusProblem } = explanation;
  const problem = statusProblem === undefined ? undefined : problemText(statusProblem, now);
  const about =
    ready === undefined
      ? [problem ?? NOT_SEEN]
      : [
          readyText(ready, now),
          staleText(explanation),
          failure === undefined ? undefined : failureText(failure, ready.message, now),
          problem,
        ];
  const lines = [url, ...about].flatMap((line) => (line === undefined ? [] : [`  ${line}`]));
  return [styled('bold', `Website ${website}`), ...lines].join('\n');
}

function readyText({ status, reason, message, lastTransitionTime }: Ready, now: Date): string {
  const state = styled(status === 'True' ? 'green' : 'red', `Ready: ${status} (${printable(reason)})`);
  return `${state} for ${age(lastTransitionTime, now)}: ${printable(message)}`;
}
type Ready = NonNullable<Explanation['ready']>;

function staleText({ isCurrent, waitsSince }: Explanation): string | undefined {
  if (waitsSince === undefined) return undefined;
  return styled('yellow', isCurrent ? NOT_HANDLED : OLDER);
}

/** @param said the message of Ready, which may be that of the failure. */
function failureText({ reason, message, lastTransitionTime }: Failure, said: string, now: Date): string {
  const what = styled('red', `Reconciles have failed (${reason})`);
  return `${what} for ${age(lastTransitionTime, now)}${message === said ? '' : `: ${printable(message)}`}`;
}

const problemText = ({ at, message }: StatusProblem, now: Date): string =>
  `${styled('red', `The status is out of date (${age(at, now)} ago)`)}: ${printable(message)}`;
type Failure = NonNullable<Explanation['failure']>;

const OLDER = 'This is about an older spec: the functions have not judged the newest one yet.';
const NOT_HANDLED = 'A reconcile was requested, and the functions have not handled the request yet.';

const NOT_SEEN =
  'The functions have not seen it yet. Check that the forwarder and the functions run: `website doctor`.';

function todoText(explanation: Explanation, now: Date): string {
  const { website, ready, advice, failure, statusProblem, waitsSince } = explanation;
  if (statusProblem !== undefined) return statusProblem.toDo;
  if (ready !== undefined && waitsSince !== undefined && now.getTime() - Date.parse(waitsSince) > PATIENCE_MS)
    return `The functions have reported nothing since the last change, ${age(waitsSince, now)} ago. \`website doctor\` checks the installation. If it finds nothing, look for ${website} in the log of the functions.`;
  return advice === undefined || (ready?.status === 'True' && failure === undefined) ? '' : advice.toDo;
}

const orphansToDo = ({ children }: Explanation): string[] => children.flatMap(({ toDo }) => toDo ?? []);

/** The functions report on a change within seconds. */
const PATIENCE_MS = 60_000;

function nextText({ plan, website }: Explanation): string {
  if (plan === undefined) return '';
  // Without the fields: the cause is what matters, and the state above names it.
  if (plan.refusedLastTime !== undefined)
    return `${triedAgainText(plan.changes)}. \`website plan ${website}\` shows the fields.`;
  return plan.changes.length === 0 ? 'writes nothing.' : changesText(plan);
}
