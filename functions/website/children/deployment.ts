import { differences } from '../differences.ts';
import { firstReplicas, fixedReplicas, needsFirstReplicas } from './replicas.ts';
import type { WebsiteSpec, WebsiteStatus } from '../resource.ts';
import { imageVolumeHint } from './deployment/files.ts';
import { laidOver } from './deployment/laid.ts';
import { mergedPodSpec, podSpec } from './deployment/pod.ts';
import type { Deployment } from './deployment/object.ts';
import { rolloutVerdict, ROLLOUT_REASONS } from './deployment/rollout.ts';
import { formerly, statedText, statementOf } from './deployment/stated.ts';
import type { Desired, DesiredMeta, KindOfChild } from './kind.ts';
import {
  childName,
  desiredMeta,
  HAS_INGRESS,
  mergedMeta,
  OPTIONAL_CHILDREN,
  OTHERS,
  ownLabels,
  selectorOf,
  STATED,
  statedOn,
} from './metadata.ts';
import { withStated } from './stated-metadata.ts';

type TemplateMeta = Deployment['spec']['template']['metadata'] & {};

/** Runs the Pods. Its annotation lists the optional children of the Website. */
export const deploymentKind: KindOfChild<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  presence: 'always',
  dependsOnSpec: true,

  desired(website, spec) {
    const metadata = desiredMeta(deploymentKind, website, { [STATED]: statedText(spec, website.metadata) });
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: firstReplicas(spec),
        selector: { matchLabels: selectorOf(website) },
        template: {
          metadata: templateMeta(metadata, spec),
          spec: podSpec(website, spec),
        },
        ...(spec.rollout === undefined ? {} : { strategy: strategyOf(spec.rollout) }),
      },
    };
  },
  merged: mergedDeployment,
  selector: ({ spec }) => spec.selector.matchLabels,
  // The API server keeps the selector of a Deployment as it was created.
  immutable: ({ spec }, website) =>
    differences(spec.selector.matchLabels, selectorOf(website)).length > 0 ? 'has another selector' : undefined,
  hint: ({ template }, problem) => imageVolumeHint(template.spec ?? {}, problem),

  readiness: (have, spec) =>
    have === undefined
      ? { state: 'progressing', reason: 'Progressing', message: 'Creating the Deployment' }
      : rolloutVerdict(have, fixedReplicas(spec) ?? have.spec.replicas ?? 1),
  readyReasons: ROLLOUT_REASONS,
  statusFields: ({ metadata }, have) => ({
    deploymentName: childName('Deployment', metadata.name),
    ...podCounts(have),
  }),

  watchedStatus: withoutTimes,
  publicPaths: /^spec\.replicas$|^spec\.template\.spec\.containers\[\d+\]\.image$/,
};

/** Spelled out as the API server stores it. */
const strategyOf = ({ maxSurge = '25%', maxUnavailable = '25%' }: NonNullable<WebsiteSpec['rollout']>) => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge, maxUnavailable },
});

function mergedDeployment(have: Deployment, want: Desired<Deployment>): Deployment {
  const { template } = have.spec;
  const wanted = want.spec.template;
  const [now, before] = [formerly(want), formerly(have)];
  const isOthers = now?.autoscaled === true && !needsFirstReplicas(have);
  const { replicas } = isOthers ? have.spec : want.spec;
  return {
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata, [OPTIONAL_CHILDREN, HAS_INGRESS, OTHERS]),
    spec: {
      ...laidOver(have.spec, want.spec, ['strategy'], statementOf(now, before)),
      ...(replicas === undefined ? {} : { replicas }),
      template: {
        ...template,
        metadata: mergedTemplateMeta(have, want),
        spec: mergedPodSpec(template.spec ?? { containers: [] }, wanted.spec ?? { containers: [] }, now, before),
      },
    },
  };
}

/** The Pods get the labels and annotations of the spec too, so a change of these replaces the Pods. */
function templateMeta({ labels }: DesiredMeta, { childMetadata = {} }: WebsiteSpec): TemplateMeta {
  return withoutEmpty({
    labels: { ...childMetadata.labels, ...labels },
    annotations: { ...childMetadata.annotations },
  });
}

/** The Deployment's annotation says which labels and annotations of the Pods the spec stated. */
function mergedTemplateMeta(have: Deployment, want: Desired<Deployment>): TemplateMeta {
  const [theirs, ours] = [have, want].map(({ spec }) => spec.template.metadata ?? {}) as [TemplateMeta, TemplateMeta];
  const { labels, annotations } = withStated(theirs, ours, statedOn(want.metadata), statedOn(have.metadata));
  return withoutEmpty({ ...theirs, labels: { ...labels, ...ownLabels(ours.labels) }, annotations });
}

function withoutEmpty({ annotations = {}, ...rest }: TemplateMeta): TemplateMeta {
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** The Pods of a Deployment, as its own status counts them. */
function podCounts(deployment: Deployment | undefined): WebsiteStatus {
  const { replicas = 0, readyReplicas = 0, availableReplicas = 0 } = deployment?.status ?? {};
  const set = deployment?.spec.replicas;
  return { replicas, readyReplicas, availableReplicas, ...(set === undefined ? {} : { replicasSet: set }) };
}

/** Without the conditions' times, which change although nothing has happened. */
function withoutTimes(status: unknown): unknown {
  const { conditions, ...counts } = (status ?? {}) as {
    conditions?: { type: string; status: string; reason?: string }[];
  };
  return [counts, conditions?.map(({ type, status: value, reason }) => [type, value, reason])];
}
