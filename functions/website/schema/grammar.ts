/**
 * The form of a text field of the spec. JavaScript runs these patterns, and so does the API server, as CEL. So they contain no
 * look-around, which RE2 does not support, and no single quotes.
 */
export interface Grammar {
  readonly pattern: RegExp;
  readonly longest: number;
  /** For a refused text without one of the common mistakes. */
  readonly message: string;
  /** Patterns of common mistakes, each with its message. The first match of a refused text applies. */
  readonly mistakes: readonly (readonly [RegExp, message: string])[];
}

const WHITE_SPACE = [/\s/, 'must not contain white space'] as const;
const UPPER_CASE = [/[A-Z]/, 'must be lower case'] as const;
const UNDERSCORE = [/_/, 'must not contain _'] as const;

/** RFC 1123 subdomain: the form of most object names. */
export const DNS_1123_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The name of an object that is cluster-scoped or in the Website's namespace. */
export const objectName = (what: string): Grammar => ({
  pattern: DNS_1123_SUBDOMAIN,
  longest: 253,
  message: `must be the name of ${what}: lower-case letters, digits, - and .`,
  mistakes: [WHITE_SPACE, [/\//, `must be the name of ${what} alone, without a namespace`], UPPER_CASE, UNDERSCORE],
});

/** RFC 1123 label: the form of a namespace's name. */
export const NAMESPACE: Grammar = {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  longest: 63,
  message: 'must be the name of a namespace: lower-case letters, digits and -',
  mistakes: [WHITE_SPACE, UPPER_CASE, UNDERSCORE],
};

/** A DNS name, or all names directly below one. */
export const HOST: Grammar = {
  pattern: /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
  longest: 253,
  message: 'must be a DNS name such as shop.example.com',
  mistakes: [
    WHITE_SPACE,
    [/\//, 'must be a DNS name alone, without a scheme or a path'],
    [/:/, 'must be a DNS name without a port'],
    UPPER_CASE,
    UNDERSCORE,
    [/[^ -~]/, 'must be written in ASCII: an international name has a form that begins with xn--'],
    [/\*/, 'may have * as its first label only, such as *.example.com'],
    [/\.$/, 'must not end with a dot'],
  ],
};

/** Source: IsEnvVarName in k8s.io/apimachinery/pkg/util/validation. */
export const VARIABLE_NAME: Grammar = {
  pattern: /^[-._a-zA-Z][-._a-zA-Z0-9]*$/,
  longest: 253,
  message: 'must be the name of an environment variable: letters, digits, _, - and .',
  mistakes: [WHITE_SPACE, [/^[0-9]/, 'must not start with a digit'], [/=/, 'must be a name without = and a value']],
};

const IMAGE_NAME =
  '([a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*(:[0-9]+)?\\/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*';
const IMAGE_TAG = ':[a-zA-Z0-9_][-a-zA-Z0-9_.]{0,127}';
const IMAGE_DIGEST = '@[a-zA-Z][a-zA-Z0-9]*([-_+.][a-zA-Z][a-zA-Z0-9]*)*:[0-9a-fA-F]{32,128}';

/**
 * Grammar of an image reference: [registry[:port]/]path[:tag][@digest].
 * Source: the "Grammar" comment of github.com/distribution/reference.
 */
export const IMAGE_REFERENCE: Grammar = {
  pattern: new RegExp(`^${IMAGE_NAME}(${IMAGE_TAG})?(${IMAGE_DIGEST})?$`),
  longest: 512,
  message: 'must be an image reference such as nginx:1.29 or registry.example.com/team/app:1.2',
  mistakes: [
    [/\s/, 'must be an image reference such as nginx:1.29, without white space'],
    [/:\/\//, 'must be an image reference without a scheme such as https://'],
    // Only a registry may have upper case before the tag. It is followed by a slash.
    [/^[^/]+\/[^:@]*[A-Z]|^[^/:@]*[A-Z][^/]*$/, 'must be lower case, except in its tag'],
    [new RegExp(`^${IMAGE_NAME}(${IMAGE_TAG})?@`), 'must have a digest such as @sha256: and 64 hexadecimal digits'],
    [
      new RegExp(`^${IMAGE_NAME}:[^/]*$`),
      'must have a tag of 1 to 128 letters, digits, _, - and ., which must not start with - or .',
    ],
  ],
};

/** Source: the format comment on Quantity in k8s.io/apimachinery/pkg/api/resource. Negative amounts make no sense here. */
export const QUANTITY: Grammar = {
  pattern: /^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$/,
  longest: 32,
  message:
    'must be an amount such as 500m, 128Mi, 2, or "0.5" in quotes; its unit is one of n, u, m, k, M, G, T, P, E, Ki, Mi, Gi, Ti, Pi, Ei',
  mistakes: [],
};

/** Source: IsConfigMapKey in k8s.io/apimachinery/pkg/util/validation. */
export const DATA_KEY: Grammar = {
  pattern: /^[-._a-zA-Z0-9]+$/,
  longest: 253,
  message: 'must be a key of a Secret or ConfigMap: letters, digits, _, - and .',
  mistakes: [WHITE_SPACE, [/\//, 'must be a key, and not a path']],
};

/** Where an HTTP probe looks. */
export const URL_PATH: Grammar = {
  pattern: /^\/[!-~]*$/,
  longest: 1024,
  message: 'must be a path such as /healthz, in printable ASCII',
  mistakes: [
    WHITE_SPACE,
    [/:\/\//, 'must be a path alone, without a scheme and a host'],
    [/^[^/]/, 'must begin with /'],
  ],
};

const PATH_CHARACTER = '([-A-Za-z0-9_~!$&()*+,;=:@]|%([013-9a-fA-F][0-9a-fA-F]|2[0-9a-eA-E]))';
/** A segment must not consist of dots alone. */
const PATH_SEGMENT = `\\.*${PATH_CHARACTER}(\\.|${PATH_CHARACTER})*`;

/**
 * A path that an Ingress and an HTTPRoute both take.
 * Source: ValidateHTTPIngressPath in k8s.io/kubernetes/pkg/apis/networking/validation, and HTTPPathMatch of the Gateway API.
 */
export const ROUTE_PATH: Grammar = {
  pattern: new RegExp(`^/(${PATH_SEGMENT}(/${PATH_SEGMENT})*/?)?$`),
  longest: 1024,
  message: 'must be a path such as /shop: letters, digits, -, ., _, ~ and the like',
  mistakes: [
    WHITE_SPACE,
    [/:\/\//, 'must be a path alone, without a scheme and a host'],
    [/^[^/]/, 'must begin with /'],
    [/[?#]/, 'must be a path alone, without a query or a fragment'],
    [/\/\//, 'must not contain //'],
    [/\/\.+(\/|$)/, 'must not contain a segment of dots alone'],
    [/%2[fF]/, 'must not contain an escaped /'],
  ],
};

/** A number of Pods as a share of all. */
export const PERCENTAGE: Grammar = {
  pattern: /^([0-9]|[1-9][0-9]|100)%$/,
  longest: 4,
  message: 'must be a number of Pods, or a percentage from 0% to 100%',
  mistakes: [],
};

/** Source: IsQualifiedName in k8s.io/apimachinery/pkg/util/validation. */
export const LABEL_KEY: Grammar = {
  pattern:
    /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/,
  longest: 317,
  message: 'must be a label key such as topology.kubernetes.io/zone',
  mistakes: [WHITE_SPACE],
};

/** Source: IsValidLabelValue in k8s.io/apimachinery/pkg/util/validation. */
export const LABEL_VALUE = /^([A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?)?$/;

/** Where files appear in the container. No segment is . or .., and no path ends in a slash, so each directory has one form. */
export const MOUNT_PATH: Grammar = {
  pattern: /^(\/\.{0,2}[-_a-zA-Z0-9][-._a-zA-Z0-9]*)+$/,
  longest: 512,
  message: 'must be an absolute path such as /usr/share/nginx/html: letters, digits, -, _, . and /',
  mistakes: [
    WHITE_SPACE,
    [/:/, 'must not contain :'],
    [/^[^/]/, 'must begin with /'],
    [/^\/$/, 'must not be the root directory'],
    [/\/\.\.?(\/|$)/, 'must not contain . or .. as a segment'],
    [/\/\//, 'must not contain //'],
    [/\/$/, 'must not end with /'],
  ],
};

/** The end of an annotation's key. Some ingress controllers run the text of such an annotation. */
export const SNIPPET = /-snippets?$/;

/** cert-manager adds paths below this one, and removes them, so the functions leave them alone. */
export const CHALLENGES = '/.well-known/acme-challenge/';
