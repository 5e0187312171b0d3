import { usesChildMetadata, wasUsed, withChildMetadata } from './child-metadata.ts';
import { CARRIER, KINDS, OPTIONAL_KINDS, type Children, type DesiredChildren } from '../children/kinds.ts';
import { withMarks } from './marks.ts';
import { withRecord } from './record.ts';
import type { Website, WebsiteSpec } from '../resource.ts';

/**
 * The children that a spec desires. Each is built from scratch and holds only the fields that this project owns.
 * @param observed says whether an earlier spec used childMetadata.
 */
export function desired(website: Website, spec: WebsiteSpec, observed: Children = {}): DesiredChildren {
  const plain: DesiredChildren = Object.fromEntries(KINDS.map((kind) => [kind.kind, kind.desired(website, spec)]));
  const children = usesChildMetadata(spec) || wasUsed(observed) ? withChildMetadata(plain, website, spec) : plain;
  const carrier = children[CARRIER];
  if (carrier === undefined) return children;
  const marks = OPTIONAL_KINDS.map(({ kind }) => kind).filter((kind) => children[kind] !== undefined);
  return withRecord({ ...children, [CARRIER]: withMarks(carrier, marks) });
}
