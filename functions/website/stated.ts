import * as z from 'zod';
import { GENERATION, type Deployment } from './children.ts';
import { GROUP, PLURAL, type ObjectMeta, type WebsiteSpec } from './resource.ts';

/**
 * On a Deployment: what its Website stated of the fields that a spec may leave out, for the generation that it was written for. What has
 * left the spec since is taken away; what never was in it is somebody else's, such as a policy's, and stays.
 */
export const STATED = `${PLURAL}.${GROUP}/stated`;

const stated = z.object({
  /** A stamp of another generation means that somebody wrote the Deployment who does not know this annotation. */
  generation: z.string(),
  env: z.array(z.string()).default([]),
  /** `requests.cpu` */
  resources: z.array(z.string()).default([]),
  profile: z.string().optional(),
});
/** Nothing where it is not known: then everything may have been stated. */
export type Stated = z.output<typeof stated> | undefined;

/** The annotation's value. Without a profile, nothing is stated of the security context. */
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

/** What the Deployment was last written with. */
export function formerly({ metadata: { annotations = {} } }: Deployment): Stated {
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
