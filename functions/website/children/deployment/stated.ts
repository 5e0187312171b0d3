import * as z from 'zod';
import { GROUP, PLURAL, type ObjectMeta, type WebsiteSpec } from '../../resource.ts';
import type { ChildObject } from '../kind.ts';
import { GENERATION } from '../metadata.ts';

/**
 * Annotation on the Deployment: which optional fields the spec stated when the Deployment was written. A field that has left the
 * spec since is removed. A field that the spec never stated belongs to another writer, such as an admission policy, and stays.
 */
export const STATED = `${PLURAL}.${GROUP}/stated`;

const stated = z.object({
  /** Differs from the Deployment's generation annotation after a write by a release that does not know this annotation. */
  generation: z.string(),
  env: z.array(z.string()).default([]),
  /** `requests.cpu` */
  resources: z.array(z.string()).default([]),
  profile: z.string().optional(),
});
/** Undefined if it is unknown. Then every field may have been stated. */
export type Stated = z.output<typeof stated> | undefined;

/** The annotation's value. `profile` is absent when the spec states nothing about the security context. */
export function statedText(
  { env = [], resources = {}, securityProfile }: WebsiteSpec,
  { generation }: ObjectMeta,
): string {
  const amounts = Object.entries(resources).flatMap(([part, named]) =>
    Object.entries(named ?? {}).flatMap(([name, amount]) => (amount === undefined ? [] : [`${part}.${name}`])),
  );
  return JSON.stringify({
    generation: String(generation ?? 0),
    ...(env.length === 0 ? {} : { env: env.map(({ name }) => name) }),
    ...(amounts.length === 0 ? {} : { resources: amounts }),
    ...(securityProfile === 'baseline' ? {} : { profile: securityProfile }),
  });
}

/** What the spec stated when the Deployment was last written. */
export function formerly({ metadata: { annotations = {} } }: Pick<ChildObject, 'metadata'>): Stated {
  const parsed = stated.safeParse(parsedJson(annotations[STATED]));
  return parsed.success && parsed.data.generation === annotations[GENERATION] ? parsed.data : undefined;
}

function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
