// The content of the container image: the bundle, with the Dockerfile's own flags and variables, and without node_modules.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, inject, it } from 'vitest';
import { connect, type Transport } from '../../functions/cluster/transport.ts';
import { ACCOUNT_KEY, startAzurite } from '../azurite.ts';
import { eventually } from '../eventually.ts';
import { startSink, type Sink } from '../faults/sink.ts';
import { startProgram, type Program } from '../program.ts';
import { createNamespace, createWebsite } from '../real-cluster.ts';
import { copyImage, imageIn } from '../image.ts';

const BUNDLE = 'dist/forwarder';

let admin: Transport;
let namespace: string;
let sink: Sink;
let app: string;
let program: Program | undefined;

beforeAll(async () => {
  admin = await connect({ kubeconfig: inject('kubeconfig') });
  namespace = await createNamespace(admin, 'image');
  sink = await startSink(namespace);
  app = mkdtempSync(join(tmpdir(), 'image-'));
  copyImage('forwarder', app);
});
afterAll(async () => {
  await sink.close();
  await admin.close();
  rmSync(app, { recursive: true });
});
afterEach(async () => {
  await program?.stop();
});

async function start(given: Record<string, string> = {}): Promise<Program> {
  const { command, variables } = imageIn('forwarder', app);
  const [first = '', ...rest] = command;
  program = startProgram(first, [...rest, '--host', '127.0.0.1', '--port', '0', '--namespaces', namespace], {
    ...variables,
    KUBECONFIG: inject('forwarderKubeconfig'),
    SINK: sink.url,
    ...given,
  });
  await program.line('Listening');
  return program;
}

it('The forwarder of the image delivers an event', async () => {
  await start();
  await createWebsite(admin, { namespace, name: 'a' }, { image: 'nginx:1', replicas: 0 });
  await eventually(() => expect(sink.accepted.map(({ name }) => name)).toEqual(['a']));
});

it('The forwarder of the image delivers to a storage queue', async () => {
  const azurite = await startAzurite();
  const queue = await azurite.createQueue('websites');
  await start({ SINK_KIND: 'storage-queue', SINK_ACCOUNT_KEY: ACCOUNT_KEY, SINK: azurite.urlOf('websites').href });
  // The Website above asks for an event at each start.
  await eventually(async () => expect((await queue.peekMessages()).peekedMessageItems.length).toBeGreaterThan(0));
  await azurite.stop();
});

// The Website above asks for an event each time.
it.each([
  [
    'a storage queue',
    { SINK_KIND: 'storage-queue', SINK_ACCOUNT_KEY: 'a2V5', SINK: 'http://127.0.0.1:1/account/queue' },
  ],
  ['Entra', { SINK_ENTRA_SCOPE: 'https://example.com/.default', AZURE_TOKEN_CREDENTIALS: 'EnvironmentCredential' }],
  ['traces', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', SINK: 'http://127.0.0.1:1/' }],
])('The image contains the modules that only %s needs', async (_, given) => {
  const { why } = await (await start(given)).line('Could not deliver event');
  expect(why).toMatch(/127\.0\.0\.1:1|EnvironmentCredential/);
});

it("The image's bundle is smaller than 5 MB", () => {
  const sizes = readdirSync(BUNDLE).map((file) => statSync(join(BUNDLE, file)).size);
  expect(sizes.reduce((sum, each) => sum + each, 0)).toBeLessThan(5_000_000);
});
