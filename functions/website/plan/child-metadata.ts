// The labels and annotations of `spec.childMetadata` on all children. They make every kind depend on the spec, including the kinds with
// `dependsOnSpec: false`. So from their first use on, those kinds are fenced too (docs/adr/0004-fencing.md).
import { CARRIER, childrenIn, kindOf, type Child, type Children, type DesiredChildren } from '../children/kinds.ts';
import type { Desired } from '../children/kind.ts';
import { CHILD_METADATA, GENERATION, ownLabels, statedOn } from '../children/metadata.ts';
import { only, statementText, without } from '../children/stated-metadata.ts';
import type { ObjectMeta, Website, WebsiteSpec } from '../resource.ts';

type Annotated = { readonly metadata: Pick<ObjectMeta, 'annotations'> };

export const usesChildMetadata = ({ childMetadata: { labels = {}, annotations = {} } = {} }: WebsiteSpec): boolean =>
  Object.keys({ ...labels, ...annotations }).length > 0;

/** Whether the child was written while childMetadata was used, or after it. */
export const hasStatement = ({ metadata }: Annotated): boolean => metadata.annotations?.[CHILD_METADATA] !== undefined;

/** Whether an earlier spec may have used childMetadata. The Deployment's annotation records it before any other child has it. */
export function wasUsed(observed: Children): boolean {
  const carrier = observed[CARRIER];
  return carrier === undefined ? childrenIn(observed).some(hasStatement) : hasStatement(carrier);
}

/** Adds the spec's childMetadata to the desired children. If the spec has no childMetadata, their annotation states that. */
export function withChildMetadata(wanted: DesiredChildren, website: Website, spec: WebsiteSpec): DesiredChildren {
  const { labels, annotations } = spec.childMetadata ?? {};
  const ours = {
    [GENERATION]: String(website.metadata.generation ?? 0),
    [CHILD_METADATA]: statementText({ labels, annotations }),
  };
  const children = Object.entries(wanted).map(([kind, child]) => {
    if (child === undefined) return [kind, child];
    const { metadata } = child;
    return [
      kind,
      {
        ...child,
        metadata: {
          ...metadata,
          labels: { ...labels, ...metadata.labels },
          annotations: { ...annotations, ...metadata.annotations, ...ours },
        },
      },
    ];
  });
  return Object.fromEntries(children) as DesiredChildren;
}

/**
 * Whether the child may be written only after the Deployment records that childMetadata is or was used. Its kind has
 * `dependsOnSpec: false`, so after a new spec, runs look at it only if the Deployment records that.
 */
export const waitsForCarrier = (want: Desired<Child>): boolean =>
  !kindOf(want.kind).dependsOnSpec && hasStatement(want);

/**
 * The child as every spec desires it: without the spec's labels and annotations, and with those that an earlier spec has put on it. So
 * this can be written without the Deployment's annotation.
 */
export function forEverySpec<T extends Desired<Child>>(want: T, have: Child | undefined): T {
  const { labels, annotations } = want.metadata;
  const now = statedOn(want.metadata);
  const old: Partial<ObjectMeta> = have?.metadata ?? {};
  const before = statedOn(old);
  const metadata = {
    ...want.metadata,
    labels: { ...only(old.labels, before.labels), ...without(labels, now.labels), ...ownLabels(labels) },
    annotations: {
      ...only(old.annotations, [...before.annotations, CHILD_METADATA]),
      ...without(annotations, [...now.annotations, GENERATION, CHILD_METADATA]),
    },
  };
  return { ...want, metadata };
}
