// Copies the CRDs of the Gateway API from its Go module, which Go verifies by its checksum database: node infra/local/control-plane/gateway-api/copy.ts.
// The copies have no descriptions, which the API server does not need and which are two thirds of the files.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const MODULE = 'sigs.k8s.io/gateway-api@v1.6.1';
/** What a Website with a Gateway needs, of the standard channel. */
const PLURALS = ['gatewayclasses', 'gateways', 'httproutes'];

const { Dir: folder } = JSON.parse(
  execFileSync('go', ['mod', 'download', '-json', MODULE], {
    encoding: 'utf8',
    env: { ...process.env, GOWORK: 'off' },
  }),
) as { readonly Dir: string };

const header = `# Copied from ${MODULE}, config/crd/standard, without the descriptions, by infra/local/control-plane/gateway-api/copy.ts.
# Copyright The Kubernetes Authors. Apache License 2.0: https://www.apache.org/licenses/LICENSE-2.0
`;

for (const plural of PLURALS) {
  const text = readFileSync(`${folder}/config/crd/standard/gateway.networking.k8s.io_${plural}.yaml`, 'utf8');
  const copy = stringify(withoutDescriptions(parse(text)), { aliasDuplicateObjects: false, lineWidth: 120 });
  writeFileSync(new URL(`${plural}.yaml`, import.meta.url), header + copy);
}

/** A property may have the name `description`. Its value is a schema, and no text. */
function withoutDescriptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDescriptions);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([name, each]) => name !== 'description' || typeof each !== 'string');
  return Object.fromEntries(fields.map(([name, each]) => [name, withoutDescriptions(each)]));
}
