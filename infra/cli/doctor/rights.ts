import { GROUP, PLURAL } from '../../../functions/website/resource.ts';
import { KINDS } from '../../../functions/website/children/kinds.ts';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import type { Finding } from './finding.ts';

/** A right as RBAC writes it. */
export interface Right {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** What does not work without it. Absent if nothing works without it. */
  readonly optional?: string;
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');

/** The rights of the functions. A test compares them with infra/kubernetes/rights. */
export const FUNCTIONS_RIGHTS: readonly Right[] = [
  { group: GROUP, resource: PLURAL, verbs: ['get', 'list'] },
  { group: GROUP, resource: `${PLURAL}/status`, verbs: ['update'] },
  { group: GROUP, resource: `${PLURAL}/scale`, verbs: ['update'] },
  { group: GROUP, resource: `${PLURAL}/finalizers`, verbs: ['update'] },
  ...KINDS.map(({ apiVersion, plural, presence }) => ({
    group: groupOf(apiVersion),
    resource: plural,
    verbs: ['get', 'list', 'create', 'update', ...(presence === 'optional' ? ['delete'] : [])],
  })),
  { group: '', resource: 'pods', verbs: ['list'], optional: 'the conditions do not say why Pods do not start' },
  { group: 'events.k8s.io', resource: 'events', verbs: ['create'], optional: 'there are no Kubernetes Events' },
];

/** The rights of the forwarder in all namespaces. */
export const FORWARDER_RIGHTS: readonly Right[] = [
  { group: GROUP, resource: PLURAL, verbs: ['list', 'watch'] },
  ...KINDS.map(({ apiVersion, plural }) => ({
    group: groupOf(apiVersion),
    resource: plural,
    verbs: ['list', 'watch'],
  })),
];

interface Account {
  readonly namespace: string;
  readonly name: string;
}

interface Asked {
  readonly account: Account;
  readonly rights: readonly Right[];
  /** Where the account needs them; everywhere if absent. */
  readonly namespaces: readonly string[] | undefined;
}

/** Asks the API server whether the account of a program has all of its rights. */
export async function rightsFinding(
  check: string,
  { account, rights, namespaces }: Asked,
  transport: Transport,
): Promise<Finding> {
  const user = `system:serviceaccount:${account.namespace}:${account.name}`;
  try {
    const asked = (namespaces ?? [undefined]).flatMap((namespace) =>
      rights.flatMap((right) => right.verbs.map((verb) => ({ right, verb, namespace }))),
    );
    const answers = await Promise.all(asked.map(async (each) => isAllowed(each, account, transport)));
    const missing = asked.filter((_, index) => answers[index] === false);
    const needed = missing.filter(({ right }) => right.optional === undefined);
    const optional = [...new Set(missing.flatMap(({ right }) => right.optional ?? []))];
    const without = optional.length === 0 ? '' : `; without an optional right, ${optional.join(', and ')}`;
    if (needed.length === 0) return { check, state: 'ok', message: `${user} has its rights${without}` };
    const list = needed
      .map(
        ({ right, verb, namespace }) => `${verb} ${right.resource}${namespace === undefined ? '' : ` in ${namespace}`}`,
      )
      .join(', ');
    return {
      check,
      state: 'problem',
      message: `${user} may not: ${list}`,
      toDo: 'kubectl apply --server-side -k infra/kubernetes/rights',
    };
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code !== 'Forbidden') throw error;
    const message = 'Your user may not ask for the rights of others (create subjectaccessreviews)';
    return { check, state: 'unknown', message, toDo: 'run it as an administrator' };
  }
}

async function isAllowed(
  {
    right,
    verb,
    namespace: where,
  }: { readonly right: Right; readonly verb: string; readonly namespace?: string | undefined },
  { namespace, name }: Account,
  transport: Transport,
): Promise<boolean> {
  const [resource, subresource] = right.resource.split('/');
  const body = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: `system:serviceaccount:${namespace}:${name}`,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      // JSON leaves out what is undefined.
      resourceAttributes: { group: right.group, resource, verb, subresource, namespace: where },
    },
  };
  const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
  const answer = await transport.json({ method: 'POST', path, body, what: 'create subjectaccessreviews' });
  return (answer as { readonly status?: { readonly allowed?: boolean } }).status?.allowed === true;
}
