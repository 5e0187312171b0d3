// Writes website.yaml from the zod schema: npm run generate. A test compares the two.
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import * as z from 'zod';
import { GROUP, KIND, NAME_RULES, PLURAL, VERSION, websiteSpec, websiteStatus } from '../functions/website/resource.ts';

/** The second is a copy for the Helm chart, since Helm reports a symbolic link at every command. */
const FILES = ['website.yaml', '../infra/kubernetes/crds/website.yaml'].map((file) => new URL(file, import.meta.url));

const COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
  { name: 'Image', type: 'string', jsonPath: '.spec.image' },
  { name: 'Desired', type: 'integer', jsonPath: '.status.replicasSet' },
  { name: 'Available', type: 'integer', jsonPath: '.status.availableReplicas' },
  { name: 'Reason', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason' },
  { name: 'URL', type: 'string', jsonPath: '.status.url', priority: 1 },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
];

/** The CustomResourceDefinition, with the schema in the structural form that Kubernetes asks for. */
export function customResourceDefinition() {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: {
        plural: PLURAL,
        singular: 'website',
        kind: KIND,
        listKind: `${KIND}List`,
        shortNames: ['web'],
        categories: ['all'],
      },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.replicas',
              statusReplicasPath: '.status.replicas',
              labelSelectorPath: '.status.selector',
            },
          },
          additionalPrinterColumns: COLUMNS,
          schema: {
            openAPIV3Schema: {
              description:
                'A website: a Deployment and a Service, an Ingress or an HTTPRoute when it has a host, a PodDisruptionBudget from 2 replicas on, and a HorizontalPodAutoscaler with autoscaling.',
              type: 'object',
              required: ['spec'],
              properties: { spec: structural(websiteSpec), status: structural(websiteStatus) },
              'x-kubernetes-validations': NAME_RULES.map(({ cel, message }) => ({ rule: cel, message })),
            },
          },
        },
      ],
    },
  };
}

/**
 * Converts zod's JSON Schema to a structural one. Drops:
 * - what a structural schema must not contain: `$schema`, `propertyNames`, an `anyOf` without types, and `const`, which becomes `enum`
 * - the bounds of JavaScript's safe integers
 * - a pattern if a rule with a message checks the same
 */
function structural(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      if (jsonSchema['x-kubernetes-int-or-string'] === true) delete jsonSchema.anyOf;
      if (jsonSchema['x-kubernetes-validations'] !== undefined) delete jsonSchema.pattern;
      if (jsonSchema.const !== undefined) {
        jsonSchema.enum = [jsonSchema.const];
        delete jsonSchema.const;
      }
      delete jsonSchema.propertyNames;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return rest;
}

export const customResourceDefinitionYaml = (): string =>
  `# Generated from functions/website/resource.ts by npm run generate: do not edit.\n${stringify(customResourceDefinition(), { lineWidth: 120 })}`;

if (import.meta.main) for (const file of FILES) writeFileSync(file, customResourceDefinitionYaml());
