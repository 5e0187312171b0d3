import type { Operation } from '../plan/plan.ts';

/** Most fields of a child that the text names. */
const MOST_FIELDS = 5;

/** Names every child that writes would change, with one sentence for each. Empty if there are no writes. */
export const differingText = (writes: readonly Operation[]): string =>
  [...Map.groupBy(writes, ({ child }) => child.kind)].map(([kind, its]) => `${kind} ${stateText(its)}`).join('. ');

/** Some children need two writes: one that takes the child over or deletes it, and one that follows. */
function stateText(writes: readonly Operation[]): string {
  const isCreated = writes.some(({ verb }) => verb === 'create');
  if (writes.some(({ verb }) => verb === 'delete')) return isCreated ? 'has to be recreated' : 'is no longer wanted';
  if (isCreated) return 'is missing';
  const fields = writes.flatMap((write) => (write.verb === 'replace' ? write.changed : []));
  const more = fields.length > MOST_FIELDS ? `, and ${fields.length - MOST_FIELDS} more` : '';
  return `differs from the spec (${fields.slice(0, MOST_FIELDS).join(', ')}${more})`;
}
