import { kindOf } from '../children/kinds.ts';
import type { Difference } from '../differences.ts';
import { digest } from '../digest.ts';
import type { Operation, Plan } from './plan.ts';
import { isRequested } from '../requested.ts';
import type { Website } from '../resource.ts';

/** Identifies a reverted write: the kind of the child, and a hash of the observed and desired values. */
export const memoryOf = ({ child, between }: Extract<Operation, { verb: 'replace' }>): string =>
  `${child.kind} ${digest(JSON.stringify(between))}`;

/** The replacements in a plan, in the form that `status.overridden` stores. */
export const memoriesOf = ({ steps }: Plan): string[] =>
  steps.flat().flatMap((operation) => (operation.verb === 'replace' ? [memoryOf(operation)] : []));

/**
 * Removes writes that an admission policy or webhook reverted, because they would have the same result again. After a new generation or
 * another change of the child, the write differs, so it stays in the plan. A user who requests a reconcile gets all of them.
 */
export function withoutRepeated(planned: Plan, website: Website): { plan: Plan; repeated: Operation[] } {
  const remembered: ReadonlySet<string> = new Set(isRequested(website) ? [] : website.status?.overridden);
  const isRepeated = (operation: Operation) => operation.verb === 'replace' && remembered.has(memoryOf(operation));
  const steps = planned.steps.map((step) => step.filter((operation) => !isRepeated(operation)));
  return {
    plan: { ...planned, steps: steps.filter((step) => step.length > 0) },
    repeated: planned.steps.flat().filter(isRepeated),
  };
}

/** Most fields that a message names. */
const MOST_FIELDS = 5;
const LONGEST_VALUE = 100;

/**
 * Names the values that a child has instead of the written ones. The API server's response to our own write contained them. So an
 * admission policy or webhook set them, not a later write.
 */
export function overriddenMessage({ child, between }: Extract<Operation, { verb: 'replace' }>): string {
  const fields = between.slice(0, MOST_FIELDS).map((field) => fieldText(field, kindOf(child.kind).publicPaths));
  const more = between.length > MOST_FIELDS ? `, and ${between.length - MOST_FIELDS} more` : '';
  return `${child.kind} ${child.metadata.name} does not stay as written, because an admission policy or webhook changes ${fields.join(', ')}${more}`;
}

/** Shows only values that are public: the message also becomes a Kubernetes Event. */
function fieldText({ path, left, right }: Difference, publicPaths: RegExp | undefined): string {
  const [found, wanted] = [left, right].map(valueText);
  const isShown = publicPaths?.test(path) === true && found !== undefined && wanted !== undefined;
  return isShown ? `${path} to ${found} (the spec: ${wanted})` : path;
}

function valueText(value: unknown): string | undefined {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
  return isPlain ? String(value).slice(0, LONGEST_VALUE).toWellFormed() : undefined;
}
