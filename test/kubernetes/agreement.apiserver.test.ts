// The manifests agree with each other, with the programs and with the API server. These tests find a wrong name in any of them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { configFrom as functionsConfig } from '../../functions/config.ts';
import { configFrom as forwarderConfig } from '../../infra/forwarder/config.ts';
import { quietly } from './kubectl.ts';
import {
  manifestsIn,
  rendered,
  right,
  rightsIn,
  tokensOf,
  variablesOf,
  workloadsIn,
  type Manifest,
  type Probe,
  type Workload,
} from './rendered.ts';
import { selectionsIn, selectorsOfWebsites, takes, waysOut } from './selectors.ts';

const FOLDERS = [
  ...readdirSync('infra/kubernetes/overlays').map((name) => `infra/kubernetes/overlays/${name}`),
  ...['direct', 'broker', 'api-server-source'].map((name) => `infra/knative/${name}`),
];
/** The roles of the programs. Another test compares them with the kinds of children. */
const shipped = ['functions-rbac', 'forwarder-rbac']
  .flatMap((file) => manifestsIn(readFileSync(`infra/kubernetes/rights/${file}.yaml`, 'utf8')))
  .filter(({ rules }) => rules !== undefined);
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const kubectl = (args: readonly string[], input?: string) =>
  quietly(inject('kubectl'), ['--kubeconfig', inject('kubeconfig'), ...args], input);

describe.each(FOLDERS)('%s', (folder) => {
  let manifests: Manifest[];
  let workloads: Workload[];
  beforeAll(async () => {
    manifests = await rendered(inject('kubectl'), folder);
    const before = `${folder}/for-administrators`;
    if (existsSync(before)) manifests.push(...(await rendered(inject('kubectl'), before)));
    workloads = workloadsIn(manifests);
  });
  const named = (name: string) => workloads.filter((each) => each.name === name);

  it('has a workload', () => {
    expect(workloads).not.toEqual([]);
  });

  it("has no CRD, so that deleting the folder's objects keeps all sites", () => {
    expect(manifests.filter(({ kind }) => kind === 'CustomResourceDefinition')).toEqual([]);
  });

  it('selects only its own Pods, by ports that they open', () => {
    for (const { by, labels, ports } of selectionsIn(manifests)) {
      const selected = workloads.filter(({ template }) => takes(labels, template.metadata?.labels));
      expect([by, selected.length]).toEqual([by, 1]);
      const open = selected.flatMap(({ container }) => container.ports ?? []);
      for (const port of ports)
        expect(open.flatMap(({ name, containerPort }) => [name, containerPort])).toContain(port);
    }
  });

  it('selects no Pod of a Website, whatever its name', () => {
    expect(selectorsOfWebsites(manifests)).toEqual([]);
  });

  it('limits every egress rule, and excludes the metadata addresses of clouds', () => {
    for (const { by, to = [] } of waysOut(manifests)) {
      expect([by, to.length > 0]).toEqual([by, true]);
      for (const { ipBlock } of to.filter((peer) => peer.ipBlock?.cidr === '0.0.0.0/0'))
        expect([by, ipBlock?.except]).toEqual([by, ['169.254.0.0/16']]);
    }
  });

  it('disables the variables for other Services in every Pod', () => {
    for (const { name, template } of workloads)
      expect([name, template.spec]).toMatchObject([name, { enableServiceLinks: false }]);
  });

  it('uses the images of the Dockerfiles, in this version', () => {
    for (const { container } of workloads) {
      const [, name] = /\/website-(\w+):/.exec(container.image) ?? [];
      expect(container.image).toBe(`ghcr.io/website-reconciler/website-${name}:v${version}`);
      expect(readFileSync(`infra/${name}/Dockerfile`, 'utf8')).toContain(
        `docker build -f infra/${name}/Dockerfile -t website-${name} .`,
      );
    }
  });

  it('has Pods that a restricted namespace admits, with fields that the API server knows', async () => {
    const dryRun = ['-n', 'website-reconciler', '--dry-run=server', '--validate=strict', '-o', 'name', '-f', '-'];
    for (const workload of workloads)
      expect(await kubectl(['create', ...dryRun], JSON.stringify(podOf(workload)))).toBe(`pod/${workload.name}\n`);
  });

  it('has settings that the programs accept', () => {
    for (const workload of named('website-forwarder'))
      expect(() =>
        forwarderConfig([], { K_SINK: 'https://broker.example.com', ...variablesOf(workload) }),
      ).not.toThrow();
    for (const workload of named('website-functions'))
      expect(() => functionsConfig(variablesOf(workload))).not.toThrow();
  });

  it('mounts a token for the functions exactly where the functions ask for one', () => {
    const [asked] = named('website-functions').map((each) => functionsConfig(variablesOf(each)).callers.tokens);
    for (const workload of workloads) {
      const forOthers = tokensOf(workload).filter(({ audience }) => audience !== undefined);
      const file = variablesOf(workload)['SINK_TOKEN_FILE'];
      if (file !== undefined) expect(forOthers.map(({ at }) => at)).toEqual([file]);
      for (const { audience } of forOthers) {
        const subject = `system:serviceaccount:${workload.namespace}:${workload.template.spec.serviceAccountName}`;
        expect(asked).toMatchObject({ audience, subjects: [subject] });
      }
    }
    const senders = workloads.filter((each) => tokensOf(each).some(({ audience }) => audience !== undefined));
    expect(senders.length > 0).toBe(asked !== undefined);
  });

  it('grants the programs exactly their own rights', () => {
    for (const { metadata, rules } of shipped) {
      const granted = manifests.filter((each) => each.rules !== undefined && each.metadata.name === metadata.name);
      expect([metadata.name, granted.map((each) => each.rules)]).toEqual([metadata.name, [rules]]);
    }
  });

  it('grants only rights that the API server knows', async () => {
    const known = await rightsThereAre();
    for (const each of rightsIn(manifests)) expect(known).toContain(each);
  });
});

/** The Pod that the workload creates. For a Knative Service, without the fields that Knative removes and with those that it adds. */
function podOf({ name, template: { spec } }: Workload): object {
  const { containerConcurrency: _, timeoutSeconds: __, ...podSpec } = spec as typeof spec & Record<string, unknown>;
  const containers = spec.containers.map(({ livenessProbe, readinessProbe, ...container }) => ({
    name,
    ...container,
    livenessProbe: withPort(livenessProbe),
    readinessProbe: withPort(readinessProbe),
  }));
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { ...podSpec, containers } };
}

const withPort = (probe?: Probe) => probe && { ...probe, httpGet: { port: 8080, ...probe.httpGet } };

/** All rights that the API server knows, in the form of `rightsIn`. */
async function rightsThereAre(): Promise<Set<string>> {
  const table = await kubectl(['api-resources', '--no-headers', '--output', 'wide']);
  // No object has this subresource: an admission plugin asks for the right (OwnerReferencesPermissionEnforcement).
  const known = new Set(['update websites/finalizers.stable.example.com']);
  for (const line of table.trim().split('\n')) {
    const [, resource = '', apiVersion = '', verbs = ''] =
      /^(\S+) .*? (\S+) +(?:true|false) +\S+ +(\S+)/.exec(line) ?? [];
    const [group = ''] = apiVersion.includes('/') ? apiVersion.split('/') : [''];
    for (const verb of verbs.split(',')) {
      known.add(right(verb, resource, group));
      for (const part of ['status', 'scale']) known.add(right(verb, `${resource}/${part}`, group));
    }
  }
  return known;
}
