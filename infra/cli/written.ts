// When a Website was last written, by its managedFields. The lists of a `Cluster` have none.
import type { Website } from '../../functions/website/resource.ts';

/** When something other than the status changed last. */
export const lastChangeOf = ({ metadata }: Website): string =>
  lastOf(metadata, (subresource) => subresource !== 'status') ?? metadata.creationTimestamp ?? '';

/** Undefined if there is no status. */
export const lastStatusOf = ({ metadata }: Website): string | undefined =>
  lastOf(metadata, (subresource) => subresource === 'status');

const lastOf = (
  { managedFields = [] }: Website['metadata'],
  is: (subresource: string | undefined) => boolean,
): string | undefined =>
  managedFields
    .filter(({ subresource }) => is(subresource))
    .map(({ time = '' }) => time)
    .toSorted()
    .at(-1);
