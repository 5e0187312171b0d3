import type { ChildLine, DifferentField } from './deviations.ts';
import type { Explanation } from './explain.ts';
import { changesText } from '../plan/plan.ts';
import type { Planned } from '../plan/planned.ts';
import { table } from '../../table.ts';
import { age, printable, styled } from '../../text.ts';
import { changeText } from '../../words.ts';

/** The explanation as one page. A part without content is left out. */
export function explanationText(explanation: Explanation, now: Date): string {
  const { children, pods, events, differentFields, hidden } = explanation;
  const parts: readonly (readonly [title: string, text: string])[] = [
    ['What to do', todoText(explanation)],
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

function stateText({ website, url, ready, isCurrent, failure }: Explanation, now: Date): string {
  const title = styled('bold', `Website ${website}`);
  const where = url === undefined ? [] : [`  ${url}`];
  if (ready === undefined) return [title, ...where, `  ${NOT_SEEN}`].join('\n');
  const style = ready.status === 'True' ? 'green' : 'red';
  const state = styled(style, `Ready: ${ready.status} (${printable(ready.reason)})`);
  const since = `for ${age(ready.lastTransitionTime, now)}`;
  const stale = isCurrent
    ? []
    : [`  ${styled('yellow', 'This is about an older spec: the functions have not judged the newest one yet.')}`];
  const failed = failure === undefined ? [] : [`  ${failureText(failure, ready.message, now)}`];
  return [title, ...where, `  ${state} ${since}: ${printable(ready.message)}`, ...stale, ...failed].join('\n');
}

/** @param said the message of Ready, which may be that of the failure. */
function failureText({ reason, message, lastTransitionTime }: Failure, said: string, now: Date): string {
  const what = styled('red', `Reconciles have failed (${reason})`);
  return `${what} for ${age(lastTransitionTime, now)}${message === said ? '' : `: ${printable(message)}`}`;
}
type Failure = NonNullable<Explanation['failure']>;

const NOT_SEEN =
  'The functions have not seen it yet. Check that the forwarder and the functions run: `website doctor`.';

const todoText = ({ ready, advice, failure }: Explanation): string =>
  advice === undefined || (ready?.status === 'True' && failure === undefined) ? '' : advice.toDo;

function nextText({ plan, website }: Explanation): string {
  if (plan === undefined) return '';
  if (plan.refusedLastTime !== undefined) return triedAgainText(plan, website);
  return plan.changes.length === 0 ? 'writes nothing.' : changesText(plan);
}

/** Without the fields: the cause is what matters, and the state above names it. */
function triedAgainText({ changes }: Planned, website: string): string {
  const writes = changes.filter(({ verb }) => verb !== 'update status').map(changeText);
  return `tries again what the API server refused last time: ${writes.join(', ')}. \`website plan ${website}\` shows the fields.`;
}
