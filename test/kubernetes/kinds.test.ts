// The rights and the fence follow the table of kinds. A kind that is in the table but not in them fails this test.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { KINDS } from '../../functions/website/children/kinds.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}
interface Manifest {
  readonly rules?: readonly Rule[];
  readonly spec?: {
    readonly matchConstraints?: {
      readonly resourceRules: readonly (Pick<Rule, 'apiGroups' | 'resources'> & { readonly operations: string[] })[];
    };
  };
}

const RIGHTS = 'infra/kubernetes/rights';
/** API groups without children. */
const OTHERS = new Set(['stable.example.com', 'events.k8s.io', 'coordination.k8s.io']);

const read = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(`${RIGHTS}/${file}`, 'utf8')).map((document) => document.toJS() as Manifest);

const rulesIn = (file: string): Rule[] =>
  read(file)
    .flatMap(({ rules = [] }) => rules)
    .filter(({ apiGroups }) => !apiGroups.every((group) => OTHERS.has(group)));

/** `v1` is the version of the group without a name. */
const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');
const rule = ({ apiVersion, plural }: (typeof KINDS)[number], verbs: readonly string[]): Rule => ({
  apiGroups: [groupOf(apiVersion)],
  resources: [plural],
  verbs,
});

it('The functions may read and write each kind of child, and delete only optional ones', () => {
  const verbsOf = (presence: string) => [
    'get',
    'list',
    'create',
    'update',
    ...(presence === 'optional' ? ['delete'] : []),
  ];
  expect(rulesIn('functions-rbac.yaml')).toEqual([
    ...KINDS.map((kind) => rule(kind, verbsOf(kind.presence))),
    // Why a rollout is not done.
    { apiGroups: [''], resources: ['pods'], verbs: ['list'] },
  ]);
});

it('The forwarder may list and watch each kind of child', () => {
  expect(rulesIn('forwarder-rbac.yaml')).toEqual(KINDS.map((kind) => rule(kind, ['list', 'watch'])));
});

it('The fence checks every write of each kind of child and of the scale of a Website', () => {
  const [policy] = read('fence/functions-fence.yaml');
  const rules = KINDS.map(({ apiVersion, plural }) => ({
    apiGroups: [groupOf(apiVersion)],
    apiVersions: [apiVersion.split('/').at(-1)],
    resources: [plural],
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    scope: '*',
  }));
  const scale = {
    ...rules[0],
    apiGroups: ['stable.example.com'],
    resources: ['websites/scale'],
    operations: ['UPDATE'],
  };
  expect(policy?.spec?.matchConstraints?.resourceRules).toEqual([...rules, scale]);
});
