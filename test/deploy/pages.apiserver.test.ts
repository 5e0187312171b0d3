// Every command of the deploy pages, run in order on an empty cluster.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { connect } from '../../functions/cluster/transport.ts';
import { writeKubeconfigFor } from '../../infra/local/programs/kubeconfig.ts';
import { bicepFilesIn } from '../azure/bicep.ts';
import { startFunctions, type Program } from '../program.ts';
import { knativeDefinitions } from '../kubernetes/knative.ts';
import { quietly } from '../kubernetes/kubectl.ts';
import { startKnativeControllers } from './knative-controllers.ts';
import { blocksOf, type Block } from './page.ts';
import { begin, DOCS, end, read, type Session } from './session.ts';

afterEach(end);

describe('A reader who follows the page', () => {
  it('installs everything with kubectl', async () => {
    const session = await begin();
    const page = `${DOCS}/kubernetes.md`;
    expect(await read(page, session)).toBeGreaterThan(8);

    const { kubeconfig, reader } = session;
    const { text = '' } = blocksOf(page).find(({ section }) => section.startsWith('Restrict the network')) ?? {};
    const written = () => readFileSync(join(reader.folder, 'my-websites/kustomization.yaml'), 'utf8');
    const before = written();
    await reader.run(text);
    expect(written()).toBe(before);
    const address = ['--namespace', 'default', 'delete', 'endpointslice', 'kubernetes'];
    await quietly(inject('kubectl'), ['--kubeconfig', kubeconfig, ...address]);
    expect(await reader.try(text)).toContain('no EndpointSlice with an address');
    expect(written()).toBe(before);
  }, 240_000);

  it('installs everything with Helm, and upgrades the CRD to a newer one', async () => {
    const session = await begin();
    const before = async ({ section }: Block) => {
      if (section.startsWith('3.'))
        await session.reader.run("sed -i 's/A web *site: /A newer site: /' crds/website.yaml");
    };
    expect(await read(`${DOCS}/helm.md`, session, { before })).toBeGreaterThan(5);
    const crd = ['get', 'crd', 'websites.stable.example.com', '-o', 'yaml'];
    expect(await quietly(inject('kubectl'), ['--kubeconfig', session.kubeconfig, ...crd])).toContain('A newer site: ');
  }, 240_000);

  it("installs everything in the namespace of one team, with that team's rights", async () => {
    const session = await begin();
    const { reader } = session;
    const asTeam = join(reader.folder, '.team.kubeconfig');
    writeFileSync(asTeam, impersonating(session.kubeconfig, 'jane', 'team-a'));
    const before = async ({ section }: Block) => {
      if (section.startsWith('2.')) await reader.run(`export KUBECONFIG=${asTeam}`);
    };
    expect(await read(`${DOCS}/one-team.md`, session, { before })).toBeGreaterThan(4);
  }, 240_000);

  it.each(['direct', 'broker', 'api-server-source'])(
    'runs the functions on Knative, fed by %s',
    async (way) => {
      const session = await begin();
      const { kubeconfig, nodes } = session;
      const kubectl = inject('kubectl');
      await quietly(kubectl, ['--kubeconfig', kubeconfig, 'create', '-f', '-'], knativeDefinitions());
      const knative = startKnativeControllers(kubectl, kubeconfig, nodes);
      try {
        const edit = (text: string) => text.replace('WAY=direct', `WAY=${way}`);
        const skip = ({ text }: Block) => way === 'api-server-source' && text.includes('sinkbinding/');
        expect(await read(`${DOCS}/knative.md`, session, { edit, skip })).toBeGreaterThan(4);
      } finally {
        await knative.stop();
      }
    },
    240_000,
  );

  it('runs the functions on Azure, simulated by stand-ins', async () => {
    const outputs = bicepFilesIn('infra/azure').get('main.bicep')?.outputs ?? [];
    const names = [...outputs.map(({ name }) => name), 'AZURE_SUBSCRIPTION_ID'];
    const sink = { SINK: 'https://x.queue.core.windows.net/website-events', SINK_KIND: 'storage-queue' };
    const values = { ...Object.fromEntries(names.map((name) => [name, `the-${name}`])), ...sink };
    const AZD_VALUES = Object.entries(values)
      .map(([name, value]) => `${name}="${value}"`)
      .join('\n');
    const session = await begin(['az', 'azd', 'npm'], { AZD_VALUES });
    // Instead of Azure, functions on this machine find the site by a resync.
    let functions: Program | undefined;
    const before = async ({ section }: Block) => {
      if (section.startsWith('4.')) functions ??= await functionsElsewhere(session);
    };
    try {
      const only = /^[2-4]\.|^Any other|^A private|^Event Grid/;
      expect(await read(`${DOCS}/azure.md`, session, { before, only })).toBeGreaterThan(8);
    } finally {
      await functions?.stop();
    }
    const inTheVault = ['--kubeconfig', join(session.reader.folder, '.kubeconfig-in-the-vault')];
    const who = await quietly(inject('kubectl'), [
      ...inTheVault,
      'auth',
      'whoami',
      '-o',
      'jsonpath={.status.userInfo.username}',
    ]);
    expect(who).toBe('system:serviceaccount:website-reconciler:website-functions');
  }, 240_000);
});

/** With the rights that the page gives to them, and a resync every second. */
async function functionsElsewhere({ kubeconfig, reader }: Session): Promise<Program> {
  const transport = await connect({ kubeconfig });
  const path = join(reader.folder, '.azure.kubeconfig');
  const KUBECONFIG = await writeKubeconfigFor('website-functions', { transport, address: { kubeconfig }, path });
  await transport.close();
  const program = startFunctions({ KUBECONFIG, RESYNC_INTERVAL_SECONDS: '1' });
  await program.line('Listening');
  return program;
}

/** A kubeconfig of an administrator who impersonates another user. */
function impersonating(kubeconfig: string, user: string, group: string): string {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as { users: { user: object }[] };
  const users = config.users.map((each) => ({ ...each, user: { ...each.user, as: user, 'as-groups': [group] } }));
  return stringify({ ...config, users });
}
