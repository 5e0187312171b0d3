import type { Difference } from './differences.ts';
import { digest } from './digest.ts';
import type { Operation, Plan } from './plan.ts';
import { requestIn } from './requested.ts';
import type { Website } from './resource.ts';

/** A write that does not last, in short: the child, what is wanted of it, and what there is instead. */
export const memoryOf = ({ child, between }: Extract<Operation, { verb: 'replace' }>): string =>
  `${child.kind} ${digest(JSON.stringify(between))}`;

/** The writes of a plan that have not lasted, as `status.overridden` remembers them. */
export const memoriesOf = ({ steps }: Plan): string[] =>
  steps.flat().flatMap((operation) => (operation.verb === 'replace' ? [memoryOf(operation)] : []));

/**
 * Takes out of a plan what was written before and came to what there is now: it would come to the same again. A new generation
 * is another write, and so is one of a child that was changed meanwhile. A user who asks for a look gets all of them.
 */
export function withoutRepeated(
  planned: Plan,
  { metadata, status = {} }: Website,
): { plan: Plan; repeated: Operation[] } {
  const isAsked = (requestIn(metadata) ?? status.lastHandledReconcileAt) !== status.lastHandledReconcileAt;
  const remembered: ReadonlySet<string> = new Set(isAsked ? [] : status.overridden);
  const isRepeated = (operation: Operation) => operation.verb === 'replace' && remembered.has(memoryOf(operation));
  const steps = planned.steps.map((step) => step.filter((operation) => !isRepeated(operation)));
  return {
    plan: { ...planned, steps: steps.filter((step) => step.length > 0) },
    repeated: planned.steps.flat().filter(isRepeated),
  };
}

/** As many fields as a message names. */
const MOST_FIELDS = 5;
const LONGEST_VALUE = 100;

/** Says what a child has instead of what was written. The answer to our own write had it, so nobody else wrote in between. */
export function overriddenMessage({ child, between }: Extract<Operation, { verb: 'replace' }>): string {
  const fields = between.slice(0, MOST_FIELDS).map(fieldText);
  const more = between.length > MOST_FIELDS ? `, and ${between.length - MOST_FIELDS} more` : '';
  return `${child.kind} ${child.metadata.name} does not stay as written, because an admission policy or webhook changes ${fields.join(', ')}${more}`;
}

/** Values of variables and annotations may be nobody's business. */
function fieldText({ path, left, right }: Difference): string {
  const isPrivate = path.includes('.env') || path.startsWith('metadata.annotations');
  const [found, wanted] = [left, right].map(valueText);
  return isPrivate || found === undefined || wanted === undefined ? path : `${path} to ${found} (the spec: ${wanted})`;
}

function valueText(value: unknown): string | undefined {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
  return isPlain ? String(value).slice(0, LONGEST_VALUE).toWellFormed() : undefined;
}
