// What Artifact Hub shows about the chart: https://artifacthub.io/docs/topics/annotations/helm.
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

export interface Published {
  /** On GitHub: `OWNER/NAME`. */
  readonly repository: string;
  /** Where the images are, without their names. */
  readonly registry: string;
  /** By the name of the image: `sha256:...`. */
  readonly digests: Readonly<Record<string, string>>;
}

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: { readonly description: string } };
    }[];
  };
}

/** For Chart.yaml. Each value is text, and lists are YAML within it. */
export function artifactHubAnnotations({ repository, registry, digests }: Published): Record<string, string> {
  const source = `https://github.com/${repository}`;
  const crd = parse(readFileSync('crds/website.yaml', 'utf8')) as Definition;
  const [version] = crd.spec.versions;
  const { kind } = crd.spec.names;
  return {
    'artifacthub.io/category': 'integration-delivery',
    'artifacthub.io/license': 'MIT',
    'artifacthub.io/operator': 'true',
    'artifacthub.io/operatorCapabilities': 'Seamless Upgrades',
    'artifacthub.io/links': stringify([
      { name: 'Documentation', url: `${source}/tree/HEAD/docs` },
      { name: 'Verify the signatures', url: `${source}/blob/HEAD/docs/deploy/images.md#verify-it` },
    ]),
    'artifacthub.io/crds': stringify([
      {
        kind,
        version: version?.name,
        name: crd.metadata.name,
        displayName: kind,
        description: version?.schema.openAPIV3Schema.description,
      },
    ]),
    'artifacthub.io/crdsExamples': stringify([parse(readFileSync('crds/samples/minimal.yaml', 'utf8'))]),
    'artifacthub.io/images': stringify(
      Object.entries(digests).map(([name, digest]) => ({ name, image: `${registry}/${name}@${digest}` })),
    ),
  };
}
