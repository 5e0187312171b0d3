import { isLoopback } from './loopback.ts';

/** Variables by name, without the empty ones. */
export type Given = Readonly<Record<string, string>>;

const TOKENS = ['CALLER_ISSUER', 'CALLER_AUDIENCE', 'CALLER_SUBJECTS', 'CALLER_JWKS_URL'] as const;

/** Combinations of settings that no host accepts. It reports them even if single settings are invalid as well. */
export const combinationProblems = (given: Given): string[] => [
  ...addressProblems(given),
  ...tokenProblems(given),
  ...gatewayProblems(given),
];

function addressProblems(given: Given): string[] {
  const areBoth = (one: string, other: string) => given[one] !== undefined && given[other] !== undefined;
  return [
    ...(areBoth('KUBECONFIG', 'KUBECONFIG_CONTENT') ? ['KUBECONFIG and KUBECONFIG_CONTENT: set only one of them'] : []),
    ...(areBoth('KUBE_CONTEXT', 'CLUSTERS')
      ? ['KUBE_CONTEXT and CLUSTERS: CLUSTERS names the contexts, so do not set KUBE_CONTEXT']
      : []),
  ];
}

function tokenProblems(given: Given): string[] {
  if (TOKENS.every((name) => given[name] === undefined)) return [];
  const { CALLER_AUDIENCE: audience, CALLER_SUBJECTS: subjects, CALLER_JWKS_URL: keys, CALLER_ISSUER: issuer } = given;
  return [
    ...(audience === undefined || subjects === undefined
      ? ['CALLER_AUDIENCE and CALLER_SUBJECTS: set both to accept tokens for this audience from these subjects']
      : []),
    ...(keys !== undefined && issuer === undefined
      ? ['CALLER_ISSUER: must name the issuer whose keys are at CALLER_JWKS_URL']
      : []),
  ];
}

const gatewayProblems = ({ DEFAULT_GATEWAY: gateway, ONLY_DEFAULT_GATEWAY: only }: Given): string[] =>
  gateway === undefined && isYes(only)
    ? ['ONLY_DEFAULT_GATEWAY: set DEFAULT_GATEWAY too, the only Gateway that Websites may then name']
    : [];

const isYes = (text: string | undefined): boolean => text !== undefined && !/^(false|0|no|off|n|disabled)$/i.test(text);

/** A check for the Node host, which has no function key: without caller checks, anyone who reaches the port could use it. */
export function callersProblems(given: Given): string[] {
  if ([...TOKENS, 'CALLER_SIGNING_SECRET'].some((name) => given[name] !== undefined)) return [];
  const { ALLOW_ANONYMOUS: anonymous, HOST: host = '0.0.0.0' } = given;
  if (!isYes(anonymous))
    return [
      'No callers are configured. Set CALLER_AUDIENCE and CALLER_SUBJECTS for tokens, or CALLER_SIGNING_SECRET for signatures. Without either, set ALLOW_ANONYMOUS=1 and HOST=127.0.0.1',
    ];
  return isLoopback(host) ? [] : ['ALLOW_ANONYMOUS works only on loopback: set HOST to 127.0.0.1'];
}
