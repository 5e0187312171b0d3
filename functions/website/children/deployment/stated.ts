import * as z from 'zod';
import type { ObjectMeta, WebsiteSpec } from '../../resource.ts';
import { GENERATION, STATED } from '../metadata.ts';
import { fixedReplicas } from '../replicas.ts';
import { statedFiles } from './files.ts';
import type { Statement } from './laid.ts';

const statement = z.object({
  /** Differs from the Deployment's generation annotation after a write by a release that does not know this annotation. */
  generation: z.string(),
  env: z.array(z.string()).default([]),
  /** `requests.cpu` */
  resources: z.array(z.string()).default([]),
  profile: z.string().optional(),
  /** Whether an autoscaler decides the number of Pods. */
  autoscaled: z.boolean().default(false),
  /** Other optional fields of the Pod and its container, and `strategy`. */
  fields: z.array(z.string()).default([]),
  /** The volumes of `files`, each with the fields of its source. */
  files: z.record(z.string(), z.array(z.string())).default({}),
});
/** Undefined if it is unknown. Then all environment variables, resources and the security context that were found count as ours. */
export type Stated = z.output<typeof statement> | undefined;

/** The annotation's value. `profile` is absent when the spec states nothing about the security context. */
export function statedText(spec: WebsiteSpec, { generation }: ObjectMeta): string {
  const { env = [], resources = {}, securityProfile } = spec;
  const amounts = Object.entries(resources).flatMap(([part, named]) =>
    Object.entries(named ?? {}).flatMap(([name, amount]) => (amount === undefined ? [] : [`${part}.${name}`])),
  );
  const fields = fieldsIn(spec);
  const files = statedFiles(spec);
  return JSON.stringify({
    generation: String(generation ?? 0),
    ...(env.length === 0 ? {} : { env: env.map(({ name }) => name) }),
    ...(amounts.length === 0 ? {} : { resources: amounts }),
    ...(securityProfile === 'baseline' ? {} : { profile: securityProfile }),
    ...(fixedReplicas(spec) === undefined ? { autoscaled: true } : {}),
    ...(fields.length === 0 ? {} : { fields }),
    ...(Object.keys(files).length === 0 ? {} : { files }),
  });
}

/** The fields of the Deployment that the spec states, by their names there. */
function fieldsIn(spec: WebsiteSpec): string[] {
  const { command, args, envFrom, health, imagePullSecrets, serviceAccountName, placement, rollout } = spec;
  const statements: readonly (readonly [unknown, ...string[]])[] = [
    [command, 'command'],
    [args, 'args'],
    [envFrom, 'envFrom'],
    [health, 'readinessProbe', 'livenessProbe', 'startupProbe'],
    [imagePullSecrets, 'imagePullSecrets'],
    [serviceAccountName, 'serviceAccountName', 'serviceAccount'],
    [placement?.nodeSelector, 'nodeSelector'],
    [placement?.tolerations, 'tolerations'],
    [rollout, 'strategy'],
  ];
  return statements.flatMap(([value, ...names]) => (value === undefined ? [] : names));
}

/** What the spec stated when the Deployment was last written. */
export function formerly({
  metadata: { annotations = {} },
}: {
  readonly metadata: Pick<ObjectMeta, 'annotations'>;
}): Stated {
  const parsed = statement.safeParse(parsedJson(annotations[STATED]));
  return parsed.success && parsed.data.generation === annotations[GENERATION] ? parsed.data : undefined;
}

/** The optional fields by name, as `laidOver` asks for them. */
export const statementOf = (now: Stated, before: Stated): Statement => ({
  now: new Set(now?.fields),
  before: new Set(before?.fields),
});

function parsedJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
