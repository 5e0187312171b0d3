// How the Pods of a Website run, in the shapes of the core API.
import * as z from 'zod';
import { LABEL_KEY, LABEL_VALUE, objectName, PERCENTAGE, URL_PATH } from './grammar.ts';
import { int32 } from './numbers.ts';
import { withRules } from './rules.ts';
import { charactersIn, matching, shortText } from './texts.ts';

const MOST_WORDS = 64;
const LONGEST_WORD = 4096;
/** Small enough that a Website with the largest environment still fits into etcd. */
const LONGEST_COMMAND = 16_384;
const MOST_SECRETS = 10;
const MOST_LABELS = 32;
const MOST_TOLERATIONS = 32;

const words = (description: string) =>
  withRules(z.array(shortText(LONGEST_WORD)).max(MOST_WORDS), [
    {
      cel: `self.map(word, size(word)).sum() <= ${LONGEST_COMMAND}`,
      holds: (each) => each.reduce((sum, word) => sum + charactersIn(word), 0) <= LONGEST_COMMAND,
      message: `must have at most ${LONGEST_COMMAND} characters in total`,
    },
  ])
    .optional()
    .describe(description);

export const command = words("Program that the container runs. Defaults to the image's entry point.");
export const args = words("Arguments of the program. Defaults to the image's.");

export const health = z
  .object({
    path: matching(URL_PATH).describe(
      'Path that answers GET with a status from 200 to 399 while the site is healthy. A Pod that fails gets no requests, and is restarted if it fails for longer.',
    ),
    port: int32(1, 65535).optional().describe('Port of the path. Defaults to the port of the container.'),
    startupSeconds: int32(1, 3600)
      .default(60)
      .describe(
        'Time that the container may take to start. Until its first success, it gets no requests and is not restarted.',
      ),
  })
  .optional()
  .describe('HTTP probes. Without it, a Pod is ready while its port accepts connections.');

export const imagePullSecrets = z
  .array(z.object({ name: matching(objectName('a Secret')).describe('Name of the Secret.') }))
  .max(MOST_SECRETS)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
  .describe('Secrets in the same namespace with the credentials of private registries.');

export const serviceAccountName = matching(objectName('a ServiceAccount'))
  .optional()
  .describe("ServiceAccount that the Pods run as. Defaults to the namespace's default.");

export const automountServiceAccountToken = z
  .boolean()
  .default(false)
  .describe('Whether the container gets the token, to call the Kubernetes API.');

const share = (description: string) =>
  z
    .union(
      [
        z.int(PERCENTAGE.message).min(0, PERCENTAGE.message).max(1000, PERCENTAGE.message),
        z.string().max(PERCENTAGE.longest).regex(PERCENTAGE.pattern, PERCENTAGE.message),
      ],
      PERCENTAGE.message,
    )
    .optional()
    .meta({
      'x-kubernetes-int-or-string': true,
      maxLength: PERCENTAGE.longest,
      'x-kubernetes-validations': [
        {
          rule: `type(self) == int ? self >= 0 && self <= 1000 : self.matches(r'${PERCENTAGE.pattern.source}')`,
          message: PERCENTAGE.message,
        },
      ],
    })
    .describe(description);

const isNone = (value: number | string | undefined): boolean => value === 0 || value === '0%';
const none = (field: string): string => `(has(self.${field}) && (self.${field} == 0 || self.${field} == '0%'))`;

export const rollout = withRules(
  z.object({
    maxSurge: share('Pods, or share of them, that a rollout may add at a time. Defaults to 25%.'),
    maxUnavailable: share('Pods, or share of them, that may be unavailable during a rollout. Defaults to 25%.'),
  }),
  [
    {
      cel: `!(${none('maxSurge')} && ${none('maxUnavailable')})`,
      holds: ({ maxSurge, maxUnavailable }) => !(isNone(maxSurge) && isNone(maxUnavailable)),
      message: 'maxSurge and maxUnavailable must not both be 0, because no Pod could be replaced',
    },
  ],
)
  .optional()
  .describe('How a new spec replaces the Pods.');

const labelValue = z.string().max(63).regex(LABEL_VALUE, 'must be the value of a label: letters, digits, _, - and .');

const nodeSelector = withRules(z.record(z.string(), labelValue), [
  {
    cel: `self.size() <= ${MOST_LABELS} && self.all(key, key.matches(r'${LABEL_KEY.pattern.source}'))`,
    holds: (labels) =>
      Object.keys(labels).length <= MOST_LABELS && Object.keys(labels).every((key) => LABEL_KEY.pattern.test(key)),
    message: `must have at most ${MOST_LABELS} labels, each with a key such as topology.kubernetes.io/zone`,
  },
])
  .optional()
  .meta({ maxProperties: MOST_LABELS })
  .describe('Labels that a node must have to run the Pods.');

const toleration = withRules(
  z.object({
    key: matching(LABEL_KEY)
      .optional()
      .describe('Key of the taint. Without it, the operator Exists accepts every taint.'),
    operator: z.enum(['Equal', 'Exists']).optional().describe('Equal compares the value; Exists accepts every value.'),
    value: labelValue.optional().describe('Value of the taint, for the operator Equal.'),
    effect: z
      .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
      .optional()
      .describe('Effect of the taint. If absent, every effect.'),
    tolerationSeconds: z
      .int()
      .optional()
      .meta({ format: 'int64' })
      .describe('Seconds that a Pod stays on a node with the taint. Only with the effect NoExecute.'),
  }),
  [
    {
      cel: "has(self.key) || (has(self.operator) && self.operator == 'Exists')",
      holds: ({ key, operator }) => key !== undefined || operator === 'Exists',
      message: 'needs a key, or the operator Exists',
    },
    {
      cel: "!has(self.value) || self.value == '' || !has(self.operator) || self.operator == 'Equal'",
      holds: ({ value = '', operator = 'Equal' }) => value === '' || operator === 'Equal',
      message: 'must have no value with the operator Exists',
    },
    {
      cel: "!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')",
      holds: ({ tolerationSeconds, effect }) => tolerationSeconds === undefined || effect === 'NoExecute',
      message: 'tolerationSeconds needs the effect NoExecute',
    },
  ],
);

export const placement = z
  .object({
    nodeSelector,
    tolerations: z
      .array(toleration)
      .max(MOST_TOLERATIONS)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'atomic' })
      .describe('Taints of nodes that the Pods accept.'),
  })
  .optional()
  .describe('Nodes for the Pods. Pods are always spread over zones and nodes where possible.');
