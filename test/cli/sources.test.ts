// Copies in the program agree with their sources.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { READY_REASONS } from '../../functions/website/reasons.ts';
import { adviceJson } from '../../infra/cli/explain/generate-advice.ts';
import type { AllAdvice } from '../../infra/cli/explain/advice.ts';
import { FORWARDER_RIGHTS, FUNCTIONS_RIGHTS, type Right } from '../../infra/cli/doctor/rights.ts';

it("The program's advice on each reason is up to date with docs/status.md", () => {
  expect(readFileSync('infra/cli/explain/advice.json', 'utf8')).toBe(adviceJson());
  const { reasons, causes } = JSON.parse(adviceJson()) as AllAdvice;
  expect(Object.keys(reasons).toSorted()).toEqual(READY_REASONS.toSorted());
  const silent = (part: 'means' | 'toDo') => READY_REASONS.filter((reason) => reasons[reason][part] === '');
  expect(silent('means')).toEqual([]);
  expect(silent('toDo')).toEqual(['Available', 'Parked']);
  expect(Object.keys(causes)).toEqual(
    expect.arrayContaining(['ImagePullBackOff', 'CrashLoopBackOff', 'ContainerCreating']),
  );
});

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** The rules of the ClusterRole in a file, one line for each verb of each resource. */
function rulesIn(file: string): string[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8')).map(
    (each) => each.toJS() as { kind: string; rules?: Rule[] },
  );
  const rules = documents.find(({ kind }) => kind === 'ClusterRole')?.rules ?? [];
  return rules
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
      ),
    )
    .toSorted();
}

const linesOf = (rights: readonly Right[]): string[] =>
  rights.flatMap(({ group, resource, verbs }) => verbs.map((verb) => `${verb} ${group}/${resource}`)).toSorted();

it.each([
  ['functions', FUNCTIONS_RIGHTS],
  ['forwarder', FORWARDER_RIGHTS],
])('The doctor asks for exactly the rights of the %s', (program, rights) => {
  expect(linesOf(rights)).toEqual(rulesIn(`infra/kubernetes/rights/${program}-rbac.yaml`));
});
