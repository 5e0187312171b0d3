import { expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { Changes } from '../../../infra/local/terminal/changes.ts';
import { showLive } from '../../../infra/local/terminal/live.ts';
import { Warnings } from '../../../infra/local/terminal/warnings.ts';
import { eventually } from '../../eventually.ts';
import { RememberingScreen } from './a-screen.ts';

it('A message about a deleted CRD replaces the table until the CRD returns', async () => {
  const screen = new RememberingScreen('live');
  let answer: () => unknown = () => ({ items: [] });
  const transport = { json: async () => answer() } as unknown as Transport;
  const ended = new AbortController();
  const options = { screen, transport, changes: new Changes(), warnings: new Warnings(screen), signal: ended.signal };
  const live = showLive(options);
  const last = (text: string) => eventually(() => expect(screen.below.at(-1)).toContain(text));
  await last('No Websites');
  answer = () => {
    throw new ClusterError('UnknownResource', 'The CRD is missing');
  };
  await last('The CRD websites.stable.example.com was deleted: kubectl apply -f crds/website.yaml');
  answer = () => {
    throw new ClusterError('Unreachable', 'Connection refused');
  };
  await eventually(() => expect(screen.below.join('\n')).toContain('Connection refused'));
  expect(screen.below.at(-1)).toContain('was deleted');
  answer = () => ({ items: [] });
  await last('No Websites');
  ended.abort();
  await live;
});
