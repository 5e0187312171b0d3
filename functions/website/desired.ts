import { CARRIER, KINDS, OPTIONAL_KINDS, type DesiredChildren } from './children/kinds.ts';
import { withMarks } from './marks.ts';
import type { Website, WebsiteSpec } from './resource.ts';

/** The children that a spec desires. Each is built from scratch and holds only the fields that this project owns. */
export function desired(website: Website, spec: WebsiteSpec): DesiredChildren {
  const children: DesiredChildren = Object.fromEntries(KINDS.map((kind) => [kind.kind, kind.desired(website, spec)]));
  const carrier = children[CARRIER];
  if (carrier === undefined) return children;
  const marks = OPTIONAL_KINDS.map(({ kind }) => kind).filter((kind) => children[kind] !== undefined);
  return { ...children, [CARRIER]: withMarks(carrier, marks) };
}
