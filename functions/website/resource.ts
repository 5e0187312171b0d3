import * as z from 'zod';
import { DNS_1123_SUBDOMAIN, HOST, IMAGE_REFERENCE, objectName, VARIABLE_NAME } from './grammar.ts';
import { matching, quantity } from './texts.ts';
import { charactersIn, ENV_TOO_LARGE, LARGEST_ENV, LONGEST_VALUE, sizeOf } from './environment.ts';

/** The coordinates of the custom resource. */
export const GROUP = 'stable.example.com';
export const VERSION = 'v1';
export const API_VERSION = `${GROUP}/${VERSION}`;
export const KIND = 'Website';
export const PLURAL = 'websites';

/** Where the objects of an API version are: only the oldest has no group. */
export const apiPath = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;

/** Annotation that asks for a reconcile now; its value is acknowledged in `status.lastHandledReconcileAt`. */
export const REQUESTED_AT = `${PLURAL}.${GROUP}/requestedAt`;

/** Names one Website; it says nothing about what happened to it or what it holds. */
export interface WebsiteKey {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`: how a key is written in logs, maps and `partitionkey`. */
export const keyText = ({ namespace, name }: WebsiteKey): string => `${namespace}/${name}`;

/** RFC 1123 label, which every namespace name is. */
const DNS_1123_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A key that came from outside. Both parts become segments of a URL path, so nothing else may pass. */
export const websiteKey = z.object({
  namespace: z.string().regex(DNS_1123_LABEL, 'must be a DNS label'),
  name: z.string().max(253).regex(DNS_1123_SUBDOMAIN, 'must be a DNS subdomain'),
});

const int32 = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum).meta({ format: 'int32' });

const amounts = (description: string) =>
  z
    .object({
      cpu: quantity.optional().describe('Processor time, in cores: 500m, 2, or "0.5" in quotes.'),
      memory: quantity.optional().describe('Memory, in bytes: 128Mi.'),
    })
    .optional()
    .describe(description);

export const websiteSpec = z
  .object({
    image: matching(IMAGE_REFERENCE).describe('Container image of the web server, such as nginx:1.29.'),
    replicas: int32(0, 1000).describe('How many Pods serve the site. 0 parks it.'),
    port: int32(1, 65535).default(80).describe('Port that the container listens on. The Service always listens on 80.'),
    env: z
      .array(
        z.object({
          name: matching(VARIABLE_NAME).describe('Name of the variable.'),
          value: z
            .string()
            .refine((value) => charactersIn(value) <= LONGEST_VALUE, `must have at most ${LONGEST_VALUE} characters`)
            .meta({ maxLength: LONGEST_VALUE })
            .describe('Value of the variable; empty when absent. It is stored in plain sight: no secrets here.')
            .optional()
            // A default of the schema would show in the list, and kubectl apply and Argo CD would see a difference each time.
            .transform((value = '') => value),
        }),
      )
      .max(100)
      .refine((env) => sizeOf(env) <= LARGEST_ENV, ENV_TOO_LARGE)
      .optional()
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        'x-kubernetes-validations': [
          {
            rule: `self.map(each, size(each.name) + (has(each.value) ? size(each.value) : 0)).sum() <= ${LARGEST_ENV}`,
            message: ENV_TOO_LARGE,
          },
        ],
      })
      .describe(`Environment variables of the container: at most ${LARGEST_ENV} characters in total.`),
    resources: z
      .object({
        requests: amounts('What the scheduler sets aside for each Pod.'),
        limits: amounts('What each Pod may use at most.'),
      })
      .optional()
      .describe('Processor time and memory of the container.'),
    host: matching(HOST).optional().describe('Host name under which the site is published, by an Ingress.'),
    tlsSecretName: matching(objectName('a Secret'))
      .optional()
      .describe('Secret in the same namespace that holds the certificate for the host. Only together with host.'),
    ingressClassName: matching(objectName('an IngressClass'))
      .optional()
      .describe("IngressClass of the Ingress; the cluster's default one when absent. Only together with host."),
    suspend: z.boolean().default(false).describe('True leaves the children as they are until it is false again.'),
    securityProfile: z
      .enum(['baseline', 'restricted'])
      .default('baseline')
      .describe(
        'Pod Security Standard that what is made of this spec satisfies. restricted runs the container as a non-root user without capabilities: the image must allow it. What others add to the Pods is not checked: enforce the standard on the namespace.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.host) || !has(self.tlsSecretName)',
        message: 'tlsSecretName needs host',
        fieldPath: '.tlsSecretName',
      },
      {
        rule: 'has(self.host) || !has(self.ingressClassName)',
        message: 'ingressClassName needs host',
        fieldPath: '.ingressClassName',
      },
    ],
  })
  .describe('What the site should be.');

const condition = z.object({
  type: z.string().max(316).describe('Ready, Reconciling or Stalled.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
  observedGeneration: z
    .int()
    .min(0)
    .optional()
    .meta({ format: 'int64' })
    .describe('Generation of the spec that this judges.'),
  lastTransitionTime: z.string().meta({ format: 'date-time' }).describe('When the status last changed.'),
  reason: z.string().min(1).max(1024).describe('Stable token for programs.'),
  message: z.string().max(32768).describe('Sentence for people.'),
});

export const websiteStatus = z
  .object({
    observedGeneration: z
      .int()
      .min(0)
      .optional()
      .meta({ format: 'int64' })
      .describe('Generation of the spec that this status judges.'),
    conditions: z
      .array(condition)
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
      .describe('Ready is always there; Reconciling and Stalled only while they are true.'),
    deploymentName: z.string().optional().describe('The Deployment of this site.'),
    serviceName: z.string().optional().describe('The Service of this site.'),
    replicas: z.int().min(0).optional().meta({ format: 'int32' }).describe('Pods that the Deployment has.'),
    readyReplicas: z.int().min(0).optional().meta({ format: 'int32' }).describe('Pods that are ready.'),
    availableReplicas: z
      .int()
      .min(0)
      .optional()
      .meta({ format: 'int32' })
      .describe('Pods that have been ready for as long as the Deployment asks, old ones included.'),
    replicasSet: z
      .int()
      .min(0)
      .optional()
      .meta({ format: 'int32' })
      .describe('Replicas that were last set on the Deployment.'),
    selector: z.string().optional().describe('Label selector of the Pods, for kubectl scale and autoscalers.'),
    url: z.string().optional().describe('Where the site is reached; absent while nothing leads there.'),
    overridden: z
      .array(z.string().max(64))
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Writes that something in the cluster changes each time, and that are not repeated.'),
    lastHandledReconcileAt: z
      .string()
      .optional()
      .describe(`Last value of the annotation ${REQUESTED_AT} that was acted on.`),
  })
  .describe('What was seen of the site.');

/** The conditions that the functions write. All others belong to other programs. */
export const OUR_CONDITIONS: ReadonlySet<string> = new Set(['Ready', 'Reconciling', 'Stalled']);

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
    /** `status` where the status was written; absent for the object. */
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
