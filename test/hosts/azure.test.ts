import { readFileSync } from 'node:fs';
import { expect, inject, it } from 'vitest';
import { startProgram } from '../program.ts';
import { describeHost } from './suite.ts';

const WORKER = 'test/hosts/azure-worker.ts';

describeHost('The Azure host', (environment) => startProgram(WORKER, [], environment));

it('registers exactly these functions, with keys required', async () => {
  const program = startProgram(WORKER, [], { KUBECONFIG: inject('functionsKubeconfig') });
  const url = String((await program.line('Listening'))['url']);
  const registered = (await (await fetch(new URL('registered', url))).json()) as {
    functions: { name: string; bindings: Record<string, object> }[];
    hooks: string[];
  };
  const bindings = registered.functions.map(({ name, bindings: given }) => [name, Object.values(given)]);
  expect(Object.fromEntries(bindings)).toEqual({
    'reconcile-website': [
      expect.objectContaining({
        type: 'httpTrigger',
        authLevel: 'function',
        methods: ['POST', 'OPTIONS'],
        route: 'websites',
      }),
      expect.objectContaining({ type: 'http', direction: 'out' }),
    ],
    'resync-websites': [
      expect.objectContaining({ type: 'timerTrigger', schedule: '%RESYNC_SCHEDULE%', runOnStartup: false }),
    ],
  });
  expect(registered.hooks).toContain('appTerminate');
  await program.stop();
});

it('registers without a cluster or any setting: the host indexes functions before either is there', async () => {
  const program = startProgram(WORKER);
  const url = String((await program.line('Listening'))['url']);
  const { functions } = (await (await fetch(new URL('registered', url))).json()) as { functions: object[] };
  expect(functions).toHaveLength(2);
  await program.stop();
});

it('has every setting that the functions name in local.settings.example.json', () => {
  const { Values } = JSON.parse(readFileSync('local.settings.example.json', 'utf8')) as {
    Values: Record<string, string>;
  };
  expect(Values).toMatchObject({ FUNCTIONS_WORKER_RUNTIME: 'node', RESYNC_SCHEDULE: expect.any(String) as string });
});
