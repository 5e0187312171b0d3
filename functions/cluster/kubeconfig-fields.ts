// The types of a kubeconfig's fields. kubectl refuses a file with a field of another type, and client-node ignores some of them.

/** What a field has: a text, true or false, a list, or other fields. */
type Shape = 'text' | 'flag' | readonly [Shape] | { readonly [field: string]: Shape };

const CLUSTER: Shape = {
  server: 'text',
  'tls-server-name': 'text',
  'insecure-skip-tls-verify': 'flag',
  'certificate-authority': 'text',
  'certificate-authority-data': 'text',
  'proxy-url': 'text',
};

const EXEC: Shape = {
  apiVersion: 'text',
  command: 'text',
  args: ['text'],
  env: [{ name: 'text', value: 'text' }],
};

const USER: Shape = {
  'client-certificate': 'text',
  'client-certificate-data': 'text',
  'client-key': 'text',
  'client-key-data': 'text',
  token: 'text',
  tokenFile: 'text',
  as: 'text',
  username: 'text',
  password: 'text',
  'auth-provider': { name: 'text' },
  exec: EXEC,
};

/** Source: k8s.io/client-go, tools/clientcmd/api/v1/types.go. The programs do not use the other fields. */
const KUBECONFIG: Shape = {
  clusters: [{ name: 'text', cluster: CLUSTER }],
  users: [{ name: 'text', user: USER }],
  contexts: [{ name: 'text', context: { cluster: 'text', user: 'text', namespace: 'text' } }],
  'current-context': 'text',
};

/** The fields that client-node does not read, or reads at the wrong time. */
export interface KubeconfigFields {
  readonly users?:
    | readonly {
        readonly user?: { readonly tokenFile?: string | null; readonly 'token-file'?: unknown } | null;
      }[]
    | null;
}

/**
 * The fields of a kubeconfig, from its YAML. Empty for YAML that has no fields.
 * @throws Error that names the first field of a wrong type, and quotes no value.
 */
export function fieldsOf(content: unknown): KubeconfigFields {
  if (!hasFields(content)) return {};
  const problem = problemWith(content, KUBECONFIG, '');
  if (problem !== undefined) throw new Error(problem);
  return content;
}

const hasFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** @param path such as `clusters[0].cluster.server`. */
function problemWith(value: unknown, shape: Shape, path: string): string | undefined {
  // As in kubectl, null is as good as no field.
  if (value === undefined || value === null) return undefined;
  if (shape === 'text') return typeof value === 'string' ? undefined : `${path} is not a text: put it in quotes`;
  if (shape === 'flag')
    return typeof value === 'boolean' ? undefined : `${path} is neither true nor false: write it without quotes`;
  if (isList(shape))
    return Array.isArray(value) ? problemInList(value, shape, path) : `${path} is not a list: begin each item with -`;
  if (!hasFields(value)) return `${path} is a value, and not an object with fields`;
  const problems = Object.entries(shape).map(([name, part]) =>
    problemWith(value[name], part, path === '' ? name : `${path}.${name}`),
  );
  return problems.find((problem) => problem !== undefined);
}

const isList = (shape: Shape): shape is readonly [Shape] => Array.isArray(shape);

function problemInList(items: readonly unknown[], [shape]: readonly [Shape], path: string): string | undefined {
  const problems = items.map((item, index) =>
    item === null ? `${path}[${index}] is empty: remove it` : problemWith(item, shape, `${path}[${index}]`),
  );
  return problems.find((problem) => problem !== undefined);
}
