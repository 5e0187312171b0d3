import { customResourceDefinition } from '../../../crds/generate.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { differences } from '../../../functions/website/differences.ts';
import { GROUP, PLURAL, VERSION } from '../../../functions/website/resource.ts';
import { ifRefused } from '../errors.ts';
import type { Finding } from './finding.ts';

const APPLY = 'kubectl apply --server-side -f crds/website.yaml, of this release';

interface Definition {
  readonly spec: { readonly versions: readonly Version[] };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

interface Version {
  readonly name: string;
  readonly schema?: unknown;
  readonly subresources?: object;
}

/** Whether the CRD is installed, in use, and that of this release. */
export async function definitionFinding(transport: Transport): Promise<Finding> {
  const check = 'CRD';
  const installed = await definitionIn(transport);
  if (installed === undefined)
    return { check, state: 'problem', message: `${PLURAL}.${GROUP} is not installed`, toDo: APPLY };
  const established = installed.status?.conditions?.find(({ type }) => type === 'Established');
  if (established?.status !== 'True')
    return {
      check,
      state: 'problem',
      message: 'The API server does not serve Websites yet',
      toDo: 'wait, or look at its conditions',
    };
  const [ours] = customResourceDefinition().spec.versions;
  const theirs = installed.spec.versions.find(({ name }) => name === VERSION);
  const places = differences(compared(theirs), compared(ours));
  if (places.length === 0) return { check, state: 'ok', message: `${PLURAL}.${GROUP} ${VERSION} of this release` };
  const message = `${PLURAL}.${GROUP} is of another release than this program: ${places.length} places differ, first ${shortPath(places[0])}`;
  return { check, state: 'problem', message, toDo: APPLY };
}

/** Without its status or its scale, a CRD of the same schema does not work either. The status is an empty object. */
const compared = ({ schema, subresources = {} }: Partial<Version> = {}): object => ({
  schema,
  subresources: Object.fromEntries(Object.entries(subresources).map(([name, value]) => [name, { is: 'there', value }])),
});

const shortPath = (path = ''): string =>
  path.replace('schema.openAPIV3Schema.properties.', '').replaceAll('.properties.', '.');

async function definitionIn(transport: Transport): Promise<Definition | undefined> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${PLURAL}.${GROUP}`;
  const read = transport.json({ method: 'GET', path, what: 'get the CRD of Websites' });
  return (await ifRefused(read, ['NotFound'], undefined)) as Definition | undefined;
}
