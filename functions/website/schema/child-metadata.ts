// The labels and annotations that a Website gives to its children and Pods.
import * as z from 'zod';
import { LABEL_KEY, LABEL_VALUE, SNIPPET } from './grammar.ts';
import { withRules, type Rule } from './rules.ts';
import { charactersIn, shortText } from './texts.ts';

const MOST_KEYS = 32;
/** Most characters in all values of annotations together. The Deployment holds two copies, next to the largest environment. */
const LONGEST_ANNOTATIONS = 16_384;
const LONGEST_PREFIX = 253;

/** Keys of Kubernetes, of tools that follow its conventions, and of the functions (`GROUP`). */
const RESERVED_PREFIX = /^([-a-z0-9.]*\.)?(kubernetes\.io|k8s\.io|stable\.example\.com)\//;
/** Selects the Pods of a Website and of a ReplicaSet. */
const RESERVED_LABEL = /^(app|pod-template-hash)$/;
const ISSUER = /^cert-manager\.io\/(cluster-)?issuer$/;

const keysOf = (texts: object): string[] => Object.keys(texts);
const matches = (pattern: RegExp): string => `key.matches(r'${pattern.source}')`;

const keyRules = (what: string): Rule<Record<string, string>>[] => [
  {
    cel: `self.size() <= ${MOST_KEYS} && self.all(key, key.indexOf('/') <= ${LONGEST_PREFIX} && ${matches(LABEL_KEY.pattern)})`,
    holds: (texts) =>
      keysOf(texts).length <= MOST_KEYS &&
      keysOf(texts).every((key) => key.indexOf('/') <= LONGEST_PREFIX && LABEL_KEY.pattern.test(key)),
    message: `must have at most ${MOST_KEYS} ${what}, each with a key such as team or example.com/team`,
  },
  {
    cel: `!self.exists(key, ${matches(RESERVED_PREFIX)})`,
    holds: (texts) => !keysOf(texts).some((key) => RESERVED_PREFIX.test(key)),
    message:
      'must have no key below kubernetes.io, k8s.io or stable.example.com, which belong to Kubernetes and to the functions: choose a key of your own, such as example.com/team',
  },
];

const labelValue = z
  .string()
  .max(63)
  .regex(LABEL_VALUE, 'must be the value of a label: letters, digits, _, - and .')
  .meta({
    'x-kubernetes-validations': [
      {
        rule: `self.matches(r'${LABEL_VALUE.source}')`,
        message: 'must be the value of a label: letters, digits, _, - and .',
      },
    ],
  });

const labels = withRules(z.record(z.string(), labelValue), [
  ...keyRules('labels'),
  {
    cel: `!self.exists(key, ${matches(RESERVED_LABEL)})`,
    holds: (texts) => !keysOf(texts).some((key) => RESERVED_LABEL.test(key)),
    message:
      'must not have the keys app and pod-template-hash, which select the Pods: choose a key of your own, such as example.com/app',
  },
])
  .optional()
  .meta({ maxProperties: MOST_KEYS })
  .describe('Labels of the children and the Pods.');

const annotations = withRules(z.record(z.string(), shortText(LONGEST_ANNOTATIONS)), [
  ...keyRules('annotations'),
  {
    cel: `!self.exists(key, ${matches(SNIPPET)})`,
    holds: (texts) => !keysOf(texts).some((key) => SNIPPET.test(key)),
    message:
      'must have no key that ends in -snippet or -snippets, because some ingress controllers run the value: leave it to the administrator of the cluster',
  },
  {
    cel: `self.map(key, size(self[key])).sum() <= ${LONGEST_ANNOTATIONS}`,
    holds: (texts) => Object.values(texts).reduce((sum, text) => sum + charactersIn(text), 0) <= LONGEST_ANNOTATIONS,
    message: `must have values of at most ${LONGEST_ANNOTATIONS} characters in total: put large texts in a ConfigMap`,
  },
])
  .optional()
  .meta({ maxProperties: MOST_KEYS })
  .describe(
    `Annotations of the children and the Pods. All values together may have at most ${LONGEST_ANNOTATIONS} characters.`,
  );

export const childMetadata = z
  .object({ labels, annotations })
  .optional()
  .describe('Labels and annotations of all children and Pods. A change replaces the Pods.');

interface Fields {
  readonly childMetadata?: z.output<typeof childMetadata>;
  readonly tls?: { readonly issuer?: unknown } | undefined;
}

/** cert-manager refuses an Ingress that names two issuers. */
export const childMetadataRules: readonly Rule<Fields>[] = [
  {
    cel: `!has(self.tls) || !has(self.tls.issuer) || !has(self.childMetadata) || !has(self.childMetadata.annotations) || !self.childMetadata.annotations.exists(key, ${matches(ISSUER)})`,
    holds: ({ tls, childMetadata: { annotations: texts = {} } = {} }) =>
      tls?.issuer === undefined || !keysOf(texts).some((key) => ISSUER.test(key)),
    message:
      'must not have the key cert-manager.io/issuer or cert-manager.io/cluster-issuer beside tls.issuer, which sets it',
    field: 'childMetadata.annotations',
  },
];
