// The files that a Website mounts into its container, in the shapes of the core API.
import * as z from 'zod';
import { FILE_SOURCES } from './file-sources.ts';
import { IMAGE_REFERENCE, MOUNT_PATH } from './grammar.ts';
import { objectReference } from './references.ts';
import { withRules } from './rules.ts';
import { matching, quantity } from './texts.ts';

const MOST_FILES = 20;

const directory = (what: string) => objectReference(what, `A read-only directory with a file for each key of ${what}.`);

const emptyDir = z
  .object({
    sizeLimit: quantity
      .optional()
      .describe('Maximum size of the directory, such as 64Mi. A Pod that exceeds it is evicted.'),
    medium: z.enum(['Memory']).optional().describe("Memory keeps the files in memory. Defaults to the node's disk."),
  })
  .optional()
  .describe('A writable directory that is empty when a Pod starts, and is deleted with the Pod.');

const image = z
  .object({
    reference: matching(IMAGE_REFERENCE).describe('The artifact, such as registry.example.com/team/shop-pages:1.2.'),
    pullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .optional()
      .describe(
        'When the node pulls the artifact. Defaults to Always for the tag latest, and otherwise to IfNotPresent.',
      ),
  })
  .optional()
  .describe(
    'A read-only directory with the content of a container image or OCI artifact, such as the pages of a static site. Requires Kubernetes 1.36, or the feature gate ImageVolume.',
  );

const file = withRules(
  z.object({
    path: matching(MOUNT_PATH).describe('Directory in the container that shows the files.'),
    configMap: directory('a ConfigMap'),
    secret: directory('a Secret'),
    emptyDir,
    image,
  }),
  [
    {
      cel: `[${FILE_SOURCES.map((source) => `has(self.${source})`).join(', ')}].filter(each, each).size() == 1`,
      holds: (each) => FILE_SOURCES.filter((source) => each[source] !== undefined).length === 1,
      message: `must have one of ${FILE_SOURCES.slice(0, -1).join(', ')} and ${FILE_SOURCES.at(-1)}`,
    },
  ],
);

export const files = withRules(z.array(file).max(MOST_FILES), [
  {
    cel: 'self.all(one, self.exists_one(other, other.path == one.path))',
    holds: (each) => new Set(each.map(({ path }) => path)).size === each.length,
    message: 'must have each path once',
  },
])
  .optional()
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['path'] })
  .describe('Directories in the container: a ConfigMap, a Secret, an artifact, or empty.');
