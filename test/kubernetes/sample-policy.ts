import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { Transport } from '../../functions/cluster/transport.ts';
import { eventually } from '../eventually.ts';
import { patch, remove } from '../real-cluster.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1';
const PLURALS = ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'];

/**
 * Installs a sample policy as it is in the repository, bound to these namespaces alone, and waits until it works.
 * @param refused what the policy refuses
 * @returns what takes the policy away
 */
export async function install(
  admin: Transport,
  file: string,
  namespaces: readonly string[],
  refused: () => Promise<unknown>,
): Promise<() => Promise<void>> {
  const text = readFileSync(`infra/kubernetes/policies/${file}.yaml`, 'utf8');
  const [policy, binding] = parseAllDocuments(text).map((document) => document.toJS() as { spec: object });
  const matchExpressions = [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: namespaces }];
  const bound = { ...binding, spec: { ...binding?.spec, matchResources: { namespaceSelector: { matchExpressions } } } };
  for (const [index, body] of [policy, bound].entries())
    await admin.json({ method: 'POST', path: `${PATH}/${PLURALS[index]}`, what: 'create', body });
  const name = `websites-${file}`;
  // A policy works a moment after it was created.
  await eventually(async () => {
    const answer = await refused().then(
      () => 'created',
      (error: Error) => error.message,
    );
    if (!answer.includes(name)) throw new Error(`There is no policy yet: ${answer}`);
  });
  return async () => {
    for (const plural of PLURALS) await remove(admin, `${PATH}/${plural}/${name}`);
  };
}

/** Sets an annotation of a namespace, or takes it away. */
export const annotate = (admin: Transport, namespace: string, name: string, value: string | null) =>
  patch(admin, `/api/v1/namespaces/${namespace}`, {
    metadata: { annotations: { [`websites.stable.example.com/${name}`]: value } },
  });
