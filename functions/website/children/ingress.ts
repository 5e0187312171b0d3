import type { V1IngressSpec } from '@kubernetes/client-node';
import { GROUP, PLURAL, type WebsiteSpec } from '../resource.ts';
import { CHALLENGES, SNIPPET } from '../schema/grammar.ts';
import { childName, desiredMeta, mergedMeta } from './metadata.ts';
import type { ChildOf, Desired, KindOfChild } from './kind.ts';
import { PORT_NAME } from './port.ts';
import { hostsOf, pathsOf, schemeOf, secretOf, urlFrom } from './published.ts';

export type Ingress = ChildOf<'networking.k8s.io/v1', 'Ingress', V1IngressSpec>;

/** On an Ingress whose class comes from the spec. Without it, the Ingress got the cluster's default class at creation. */
const CLASS_FROM_SPEC = `${PLURAL}.${GROUP}/ingress-class-from-spec`;

/** On an Ingress whose issuer comes from the spec. Without it, the annotations of cert-manager belong to somebody else. */
const ISSUER_FROM_SPEC = `${PLURAL}.${GROUP}/issuer-from-spec`;
const ISSUERS = { Issuer: 'cert-manager.io/issuer', ClusterIssuer: 'cert-manager.io/cluster-issuer' } as const;

/** Publishes the site under its hosts, through the Ingress controller of the cluster. */
export const ingressKind: KindOfChild<Ingress> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  plural: 'ingresses',
  presence: 'optional',
  dependsOnSpec: true,

  desired(website, spec) {
    const hosts = hostsOf(spec);
    if (hosts.length === 0 || spec.gateway !== undefined) return undefined;
    const { name } = website.metadata;
    const secretName = secretOf(name, spec);
    const backend = { service: { name: childName('Service', name), port: { name: PORT_NAME } } };
    const paths = pathsOf(spec).map(({ path, type }) => ({ path, pathType: type, backend }));
    const { ingressClassName } = spec;
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: desiredMeta(ingressKind, website, annotationsFor(spec)),
      spec: {
        ...(ingressClassName === undefined ? {} : { ingressClassName }),
        rules: hosts.map((host) => ({ host, http: { paths } })),
        tls: secretName === undefined ? [] : [{ hosts, secretName }],
      },
    };
  },
  merged: (have, want) => ({
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata, oursOn(have, want)),
    spec: { ...have.spec, ...want.spec, rules: mergedRules(have, want) },
  }),
  // Only creation gives an Ingress the cluster's default class.
  recreated(have, want) {
    const hadClass = have.metadata.annotations?.[CLASS_FROM_SPEC] !== undefined;
    if (!hadClass || want.metadata.annotations[CLASS_FROM_SPEC] !== undefined) return undefined;
    const { labels = {}, annotations = {} } = mergedMeta(have.metadata, want.metadata, oursOn(have, want));
    return { ...want, metadata: { ...want.metadata, labels, annotations: withoutSnippets(annotations) } };
  },

  url: (_, spec) => urlFrom(spec, schemeOf(spec)),
};

function annotationsFor({ ingressClassName, tls }: WebsiteSpec): Record<string, string> {
  return {
    ...(ingressClassName === undefined ? {} : { [CLASS_FROM_SPEC]: 'true' }),
    ...(tls?.issuer === undefined ? {} : { [ISSUERS[tls.issuer.kind]]: tls.issuer.name, [ISSUER_FROM_SPEC]: 'true' }),
  };
}

/** The annotations that are removed unless the spec asks for them. cert-manager refuses an Ingress that names two issuers. */
const oursOn = (have: Ingress, want: Desired<Ingress>): string[] => {
  const hasIssuer = [have, want].some(({ metadata }) => metadata.annotations?.[ISSUER_FROM_SPEC] !== undefined);
  return [CLASS_FROM_SPEC, ...(hasIssuer ? [ISSUER_FROM_SPEC, ...Object.values(ISSUERS)] : [])];
};

type Rule = NonNullable<Ingress['spec']['rules']>[number];

const mergedRules = (have: Ingress, want: Desired<Ingress>): Rule[] =>
  (want.spec.rules ?? []).map((rule) =>
    withChallenges(
      have.spec.rules?.find(({ host }) => host === rule.host),
      rule,
    ),
  );

/** cert-manager adds such a path to our rule while an authority checks that the host is ours (ACME, HTTP-01). */
const isChallenge = ({ path }: { path?: string }): boolean => path?.startsWith(CHALLENGES) === true;

/** Our rule, with the challenges of the rule that was read in their places. */
function withChallenges(have: Rule | undefined, want: Rule): Rule {
  const paths = have?.http?.paths ?? [];
  const ours = want.http?.paths ?? [];
  const place = paths.findIndex(({ path }) => path === ours[0]?.path);
  const [before, after] = place === -1 ? [paths, []] : [paths.slice(0, place), paths.slice(place)];
  return { ...want, http: { paths: [...before.filter(isChallenge), ...ours, ...after.filter(isChallenge)] } };
}

/**
 * Some ingress controllers run the text of a snippet annotation. The fence refuses snippets that the functions add. So a recreated
 * Ingress keeps the annotations of other writers, but not their snippets.
 */
const withoutSnippets = (annotations: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => !SNIPPET.test(name)));
