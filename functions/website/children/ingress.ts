import type { V1IngressSpec } from '@kubernetes/client-node';
import { GROUP, PLURAL } from '../resource.ts';
import { childName, desiredMeta, mergedMeta } from './metadata.ts';
import type { ChildOf, Desired, KindOfChild } from './kind.ts';
import { PORT_NAME } from './port.ts';

export type Ingress = ChildOf<'networking.k8s.io/v1', 'Ingress', V1IngressSpec>;

/** On an Ingress whose class comes from the spec. Without it, the Ingress got the cluster's default class at creation. */
const CLASS_FROM_SPEC = `${PLURAL}.${GROUP}/ingress-class-from-spec`;

/** Publishes the site under `spec.host`. */
export const ingressKind: KindOfChild<Ingress> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  plural: 'ingresses',
  presence: 'optional',
  dependsOnSpec: true,

  desired(website, { host, ingressClassName, tlsSecretName }) {
    if (host === undefined) return undefined;
    const backend = { service: { name: childName('Service', website.metadata.name), port: { name: PORT_NAME } } };
    const annotations = ingressClassName === undefined ? {} : { [CLASS_FROM_SPEC]: 'true' };
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: desiredMeta(ingressKind, website, annotations),
      spec: {
        ...(ingressClassName === undefined ? {} : { ingressClassName }),
        rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
        tls: tlsSecretName === undefined ? [] : [{ hosts: [host], secretName: tlsSecretName }],
      },
    };
  },
  merged: (have, want) => ({
    ...have,
    metadata: mergedMeta(have.metadata, want.metadata, [CLASS_FROM_SPEC]),
    spec: { ...have.spec, ...want.spec, rules: mergedRules(have, want) },
  }),
  // Only creation gives an Ingress the cluster's default class.
  recreated(have, want) {
    const hadClass = have.metadata.annotations?.[CLASS_FROM_SPEC] !== undefined;
    if (!hadClass || want.metadata.annotations[CLASS_FROM_SPEC] !== undefined) return undefined;
    const { labels = {}, annotations = {} } = mergedMeta(have.metadata, want.metadata, [CLASS_FROM_SPEC]);
    return { ...want, metadata: { ...want.metadata, labels, annotations: withoutSnippets(annotations) } };
  },

  url: (_, { host, tlsSecretName }) =>
    host?.startsWith('*.') === true ? undefined : `${tlsSecretName === undefined ? 'http' : 'https'}://${host}`,
};

type Rule = NonNullable<Ingress['spec']['rules']>[number];

const mergedRules = (have: Ingress, want: Desired<Ingress>): Rule[] =>
  (want.spec.rules ?? []).map((rule) =>
    withChallenges(
      have.spec.rules?.find(({ host }) => host === rule.host),
      rule,
    ),
  );

/**
 * cert-manager adds a path below this one to our rule while an authority checks that the host is ours (ACME, HTTP-01), and removes it
 * afterwards. The site serves no page there.
 */
const CHALLENGES = '/.well-known/acme-challenge/';

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
 * Some ingress controllers run the text of a snippet annotation. The fence lets the functions add none, so a recreated Ingress
 * keeps the annotations of other writers without their snippets.
 */
const withoutSnippets = (annotations: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).filter(([name]) => !name.endsWith('-snippet')));
