import { isLoopback } from './loopback.ts';

/** Variables by their names; those that are set to nothing are not among them. */
export type Given = Readonly<Record<string, string>>;

const TOKENS = ['CALLER_ISSUER', 'CALLER_AUDIENCE', 'CALLER_SUBJECTS', 'CALLER_JWKS_URL'] as const;

/** What is wrong with the settings of every host together, whatever is wrong with each of them. */
export const togetherProblems = (given: Given): string[] => [...addressProblems(given), ...tokenProblems(given)];

function addressProblems(given: Given): string[] {
  const areBoth = (one: string, other: string) => given[one] !== undefined && given[other] !== undefined;
  return [
    ...(areBoth('KUBECONFIG', 'KUBECONFIG_CONTENT')
      ? ['KUBECONFIG and KUBECONFIG_CONTENT: set one of them, and leave the other empty']
      : []),
    ...(areBoth('KUBE_CONTEXT', 'CLUSTERS')
      ? ['KUBE_CONTEXT and CLUSTERS: CLUSTERS names the contexts, so leave KUBE_CONTEXT empty']
      : []),
  ];
}

function tokenProblems(given: Given): string[] {
  if (TOKENS.every((name) => given[name] === undefined)) return [];
  const {
    CALLER_AUDIENCE: audience,
    CALLER_SUBJECTS: subjects = '',
    CALLER_JWKS_URL: keys,
    CALLER_ISSUER: issuer,
  } = given;
  return [
    ...(audience === undefined || !/[^\s,]/.test(subjects)
      ? [
          'CALLER_AUDIENCE and CALLER_SUBJECTS go together: a token for another audience, or of any subject, lets nobody in',
        ]
      : []),
    ...(keys !== undefined && issuer === undefined
      ? ['CALLER_ISSUER: must say whose keys are at CALLER_JWKS_URL']
      : []),
  ];
}

/** The Node host's own: nothing else checks who calls, so whoever can reach the port could have things done. */
export function callersProblems(given: Given): string[] {
  if ([...TOKENS, 'CALLER_SIGNING_SECRET'].some((name) => given[name] !== undefined)) return [];
  const { ALLOW_ANONYMOUS: anonymous, HOST: host = '0.0.0.0' } = given;
  if (anonymous === undefined || /^(false|0|no|off|n|disabled)$/i.test(anonymous))
    return [
      'Who may call? Set CALLER_AUDIENCE and CALLER_SUBJECTS for tokens, or CALLER_SIGNING_SECRET; or ALLOW_ANONYMOUS=1 with HOST=127.0.0.1',
    ];
  return isLoopback(host) ? [] : [`ALLOW_ANONYMOUS is for loopback: set HOST to 127.0.0.1, not to ${host}`];
}
