import * as z from 'zod';
import { REQUESTED_AT } from './coordinates.ts';
import { autoscaling, MOST_REPLICAS, replicasRule } from './schema/autoscaling.ts';
import { childMetadata, childMetadataRules } from './schema/child-metadata.ts';
import { env, envFrom } from './schema/environment.ts';
import { files } from './schema/files.ts';
import { IMAGE_REFERENCE } from './schema/grammar.ts';
import { history } from './schema/history.ts';
import { int32 } from './schema/numbers.ts';
import {
  args,
  automountServiceAccountToken,
  command,
  health,
  imagePullSecrets,
  placement,
  rollout,
  serviceAccountName,
} from './schema/pods.ts';
import { routeRules, routes } from './schema/routes.ts';
import { withRules } from './schema/rules.ts';
import { matching, quantity } from './schema/texts.ts';

// The forwarder uses these, and its bundle leaves out the schema (`sideEffects` in package.json).
export * from './coordinates.ts';
export { NAME_RULES } from './schema/name.ts';
export * from './schema/key.ts';

const amounts = (description: string) =>
  z
    .object({
      cpu: quantity.optional().describe('CPU in cores, such as 500m, 2, or "0.5" in quotes.'),
      memory: quantity.optional().describe('Memory in bytes, such as 128Mi.'),
    })
    .optional()
    .describe(description);

export const websiteSpec = withRules(
  z.object({
    image: matching(IMAGE_REFERENCE).describe('Container image of the web server, such as nginx:1.29.'),
    replicas: int32(0, MOST_REPLICAS)
      .optional()
      .describe('Number of Pods that serve the site. 0 parks it. Optional with autoscaling.'),
    autoscaling,
    port: int32(1, 65535).default(80).describe('Port that the container listens on. The Service always listens on 80.'),
    env,
    envFrom,
    command,
    args,
    health,
    imagePullSecrets,
    serviceAccountName,
    automountServiceAccountToken,
    rollout,
    placement,
    files,
    resources: z
      .object({
        requests: amounts('Amounts that the scheduler reserves for each Pod.'),
        limits: amounts('Maximum that each Pod may use.'),
      })
      .optional()
      .describe('CPU and memory of the container.'),
    ...routes,
    childMetadata,
    suspend: z
      .boolean()
      .default(false)
      .describe('While true, the functions leave all objects of this site as they are.'),
    disruptionBudget: z
      .enum(['Auto', 'None'])
      .default('Auto')
      .describe('Auto creates a PodDisruptionBudget from 2 replicas on. None creates none.'),
    securityProfile: z
      .enum(['baseline', 'restricted'])
      .default('baseline')
      .describe('Pod Security Standard of the Pods. restricted needs an image that runs as a non-root user.'),
  }),
  [...routeRules, replicasRule, ...childMetadataRules],
).describe('Desired state of the site.');

const condition = z.object({
  type: z.string().max(316).describe('Ready, Reconciling or Stalled.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
  observedGeneration: z
    .int()
    .min(0)
    .optional()
    .meta({ format: 'int64' })
    .describe('Generation of the spec that this condition is about.'),
  lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When the status last changed.'),
  reason: z.string().min(1).max(1024).describe('Stable word for programs, such as Available.'),
  message: z.string().max(32768).describe('Explanation for people.'),
});

export const websiteStatus = z
  .object({
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .meta({ format: 'int64' })
      .describe('Generation of the spec that this status is about.'),
    conditions: z
      .array(condition)
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe('Ready is always present. Reconciling and Stalled are present only while they are true.'),
    deploymentName: z.string().optional().describe('Name of the Deployment of this site.'),
    serviceName: z.string().optional().describe('Name of the Service of this site.'),
    replicas: z.int().min(0).optional().meta({ format: 'int32' }).describe('Number of Pods that the Deployment has.'),
    readyReplicas: z.int().min(0).optional().meta({ format: 'int32' }).describe('Number of Pods that are ready.'),
    availableReplicas: z
      .int()
      .min(0)
      .optional()
      .meta({ format: 'int32' })
      .describe(
        "Number of Pods that have been ready for the Deployment's minReadySeconds. It includes Pods of the previous spec.",
      ),
    replicasSet: z
      .int()
      .min(0)
      .optional()
      .meta({ format: 'int32' })
      .describe('Number of replicas that the Deployment was last set to.'),
    selector: z.string().optional().describe('Label selector of the Pods, for kubectl scale and autoscalers.'),
    url: z.string().optional().describe('URL of the site. Absent while nothing routes to it.'),
    overridden: z
      .array(z.string().max(64))
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe(
        'Hashes of writes that are not tried again, because an admission policy or webhook changes them each time.',
      ),
    history,
    lastHandledReconcileAt: z
      .string()
      .optional()
      .describe(`Last value of the annotation ${REQUESTED_AT} that was handled.`),
  })
  .describe('Observed state of the site.');

export type WebsiteSpec = z.output<typeof websiteSpec>;
export type WebsiteStatus = z.output<typeof websiteStatus>;
export type Condition = z.output<typeof condition>;

/** `metadata`, as far as this project reads it. */
export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** Opaque: compare for equality only. */
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly managedFields?: readonly {
    readonly manager?: string;
    /** `status` for fields of the status. Absent for all others. */
    readonly subresource?: string;
    /** RFC 3339, in whole seconds. */
    readonly time?: string;
    readonly fieldsV1?: unknown;
  }[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A Website as read from the API server: its spec is not trusted until `websiteSpec` has parsed it. */
export interface Website {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec?: unknown;
  readonly status?: WebsiteStatus;
}
