// The functions with their own rights in one namespace, which a test can take away and give back.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { connect, type Transport } from '../../../functions/cluster/transport.ts';
import { writeKubeconfigFor } from '../../../infra/local/programs/kubeconfig.ts';
import { patch } from '../../real-cluster.ts';

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** The functions' own rights. */
export const RULES = parseAllDocuments(readFileSync('infra/kubernetes/rights/functions-rbac.yaml', 'utf8'))
  .map((document) => document.toJS() as { kind: string; rules: Rule[] })
  .flatMap(({ kind, rules }) => (kind === 'ClusterRole' ? rules : []));

const ACCOUNT = 'functions';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';

export interface FunctionsAccount {
  readonly transport: Transport;
  /** Replaces the rights. */
  grant(rules: readonly Rule[]): Promise<void>;
  close(): Promise<void>;
}

/** Creates a ServiceAccount that has `RULES`, and connects as it. */
export async function functionsAccountIn(namespace: string, admin: Transport): Promise<FunctionsAccount> {
  const make = (api: string, plural: string, body: object) =>
    admin.json({
      method: 'POST',
      path: `${api}/namespaces/${namespace}/${plural}`,
      what: `create ${plural}`,
      body: { ...body, metadata: { name: ACCOUNT } },
    });
  await make('/api/v1', 'serviceaccounts', {});
  await make(RBAC, 'roles', { rules: RULES });
  await make(RBAC, 'rolebindings', {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: ACCOUNT },
    subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace }],
  });
  const folder = mkdtempSync(join(tmpdir(), 'functions-account-'));
  const options = { transport: admin, address: { kubeconfig: inject('kubeconfig') }, namespace };
  const kubeconfig = await writeKubeconfigFor(ACCOUNT, { ...options, path: join(folder, 'kubeconfig') });
  const transport = await connect({ kubeconfig });
  return {
    transport,
    async grant(rules) {
      await patch(admin, `${RBAC}/namespaces/${namespace}/roles/${ACCOUNT}`, { rules });
    },
    async close() {
      await transport.close();
      rmSync(folder, { recursive: true });
    },
  };
}
