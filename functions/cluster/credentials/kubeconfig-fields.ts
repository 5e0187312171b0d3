// The types of a kubeconfig's fields. kubectl refuses a file with a field of another type, and client-node ignores some of them.
import * as z from 'zod';

// As in kubectl, a field may be null, and unknown fields are ignored.
const text = z.string().nullish();
const flag = z.boolean().nullish();
const fields = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).nullish();
const list = <Item extends z.ZodType>(item: Item) => z.array(item).nullish();

const CLUSTER = fields({
  server: text,
  'tls-server-name': text,
  'insecure-skip-tls-verify': flag,
  'certificate-authority': text,
  'certificate-authority-data': text,
  'proxy-url': text,
});

const EXEC = fields({
  apiVersion: text,
  command: text,
  args: list(z.string()),
  env: list(z.object({ name: text, value: text })),
});

const USER = fields({
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  token: text,
  tokenFile: text,
  // client-node reads this file at once, whatever its size, and never again.
  'token-file': z.never('is unknown to kubectl: write tokenFile').optional(),
  as: text,
  'as-uid': text,
  'as-groups': list(z.string()),
  'as-user-extra': z.record(z.string(), z.unknown()).nullish(),
  username: text,
  password: text,
  'auth-provider': fields({ name: text }),
  exec: EXEC,
});

/** Source: k8s.io/client-go, tools/clientcmd/api/v1/types.go. The programs do not use the other fields. */
const KUBECONFIG = z.object({
  clusters: list(z.object({ name: text, cluster: CLUSTER })),
  users: list(z.object({ name: text, user: USER })),
  contexts: list(z.object({ name: text, context: fields({ cluster: text, user: text, namespace: text }) })),
  'current-context': text,
});

export type KubeconfigFields = z.infer<typeof KUBECONFIG>;

const ADVICE: Readonly<Record<string, string>> = {
  string: 'is not a text: put it in quotes',
  boolean: 'is neither true nor false: write one of them, without quotes',
  array: 'is not a list: begin each item with -',
  object: 'is a value, and not an object with fields',
};

/**
 * The fields of a kubeconfig, from its YAML. Empty for YAML that has no fields.
 * @throws Error that names the first field of a wrong type, and quotes no value.
 */
export function fieldsOf(content: unknown): KubeconfigFields {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return {};
  const { data, error } = KUBECONFIG.safeParse(content, { error: adviceOn, reportInput: true });
  if (error === undefined) return data;
  const [{ path, message }] = error.issues as [z.core.$ZodIssue];
  throw new Error(`${nameOf(path)} ${message}`);
}

/** Such as `clusters[0].cluster.server`. */
const nameOf = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .slice(1);

const adviceOn = ({ code, input, ...issue }: z.core.$ZodRawIssue): string | undefined => {
  if (input === null) return 'is empty: remove it';
  return code === 'invalid_type' ? ADVICE[String(issue.expected)] : undefined;
};
