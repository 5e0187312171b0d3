// The environment variables of a Website, in the shapes of the core API, and their size limits.
import * as z from 'zod';
import { DATA_KEY, objectName, VARIABLE_NAME } from './grammar.ts';
import { objectReference } from './references.ts';
import { oneOf, withRules } from './rules.ts';
import { charactersIn, matching, shortText } from './texts.ts';

/**
 * Most characters in all names and values together. The Deployment holds a copy. Even if every character is stored as an escape
 * of six bytes, both fit into etcd's limit of 1.5 MiB.
 */
export const LARGEST_ENV = 131_072;
const ENV_TOO_LARGE = `names and values must have at most ${LARGEST_ENV} characters in total: put large values in a ConfigMap (envFrom), in a file of the image, or fetch them when the container starts`;

const LONGEST_VALUE = 32_768;
const MOST_VARIABLES = 100;
const MOST_SOURCES = 50;

const sizeOf = (env: readonly { readonly name: string; readonly value: string }[]): number =>
  env.reduce((sum, { name, value }) => sum + charactersIn(name) + charactersIn(value), 0);

const keyOf = (what: string) =>
  z
    .object({
      name: matching(objectName(what)).describe(`Name of ${what} in the same namespace.`),
      key: matching(DATA_KEY).describe('Key in its data.'),
      optional: z
        .boolean()
        .optional()
        .describe('If true, the container starts without the variable if there is no such key.'),
    })
    .optional()
    .describe(`A key of ${what}.`);

const valueFrom = withRules(z.object({ secretKeyRef: keyOf('a Secret'), configMapKeyRef: keyOf('a ConfigMap') }), [
  oneOf('secretKeyRef', 'configMapKeyRef'),
])
  .optional()
  .describe('Where the kubelet takes the value from when the container starts. The functions never read it.');

const variable = withRules(
  z.object({
    name: matching(VARIABLE_NAME).describe('Name of the variable.'),
    value: shortText(LONGEST_VALUE)
      .describe(
        'Value of the variable. Defaults to the empty text. It is stored as plain text: use valueFrom for secrets.',
      )
      .optional()
      // The API server would write a schema default into the list, and Argo CD and kubectl apply would always see a difference.
      .transform((value = '') => value),
    valueFrom,
  }),
  [
    {
      cel: '!has(self.value) || !has(self.valueFrom)',
      holds: (each) => each.value === '' || each.valueFrom === undefined,
      message: 'may have value or valueFrom, not both',
    },
  ],
);

export const env = z
  .array(variable)
  .max(MOST_VARIABLES)
  .refine((variables) => sizeOf(variables) <= LARGEST_ENV, ENV_TOO_LARGE)
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
  .describe(`Environment variables of the container, at most ${LARGEST_ENV} characters in all.`);

const source = (what: string) => objectReference(what, `Every key of ${what} becomes a variable.`);

export const envFrom = z
  .array(
    withRules(
      z.object({
        secretRef: source('a Secret'),
        configMapRef: source('a ConfigMap'),
        prefix: matching(VARIABLE_NAME).optional().describe('Text before the name of each variable.'),
      }),
      [oneOf('secretRef', 'configMapRef')],
    ),
  )
  .max(MOST_SOURCES)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'atomic' })
  .describe('Secrets and ConfigMaps whose keys become variables. env takes precedence.');
